{{ config(indexes=[{"columns": ["tenant", "month_end"]}]) }}

with

trial_balances as (
    select * from {{ ref("trial_balances") }}
),

accounts as (
    select * from {{ ref("accounts") }}
),

-- A provider that we owe stands among the liabilities; what is not closed yet is one line of equity.
placed as (
    select
        trial_balances.tenant,
        trial_balances.month,
        trial_balances.month_end,
        trial_balances.asset,
        trial_balances.closing,
        case
            when accounts.line in ('psp', 'transit') and trial_balances.closing < 0 then 'liabilities'
            when accounts.class in ('revenue', 'expenses') then 'equity'
            else accounts.section
        end as section,
        case
            when accounts.line in ('psp', 'transit') and trial_balances.closing < 0 then 'owed_to_providers'
            when accounts.class in ('revenue', 'expenses') then 'open_result'
            else accounts.line
        end as line,
        case
            when accounts.line in ('psp', 'transit') and trial_balances.closing < 0 then 'Owed to payment providers'
            when accounts.class in ('revenue', 'expenses') then 'Result not closed yet'
            else accounts.label
        end as label,
        case
            when accounts.line in ('psp', 'transit') and trial_balances.closing < 0 then 170
            when accounts.class in ('revenue', 'expenses') then 245
            else accounts.position
        end as position
    from trial_balances
    inner join accounts
        on
            trial_balances.tenant = accounts.tenant
            and trial_balances.account = accounts.account
    where trial_balances.realm = 'company'
),

final as (
    select
        tenant,
        month,
        month_end,
        section,
        line,
        label,
        position,
        asset,
        cast(sum(case section when 'assets' then closing else -closing end) as numeric(38, 18)) as amount
    from placed
    group by tenant, month, month_end, section, line, label, position, asset
)

select * from final
