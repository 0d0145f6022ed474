{{ config(indexes=[{"columns": ["tenant", "month"]}]) }}

{#- What adds to the result is positive, what takes from it negative, so that every subtotal is a plain sum. Closing
    entries are no income. -#}

with

general_ledger as (
    select * from {{ ref("general_ledger") }}
),

accounts as (
    select * from {{ ref("accounts") }}
),

calendar as (
    select * from {{ ref("calendar") }}
),

earned as (
    select
        general_ledger.tenant,
        {{ month_of("general_ledger.effective_date") }} as month,
        accounts.section,
        accounts.line,
        accounts.label,
        accounts.position,
        general_ledger.asset,
        -sum(general_ledger.amount) as amount
    from general_ledger
    inner join accounts
        on
            general_ledger.tenant = accounts.tenant
            and general_ledger.account = accounts.account
    where general_ledger.class in ('revenue', 'expenses') and general_ledger.kind <> 'closing'
    group by 1, 2, 3, 4, 5, 6, 7
),

final as (
    select
        earned.tenant,
        earned.month,
        calendar.fiscal_year,
        calendar.fiscal_quarter,
        earned.section,
        earned.line,
        earned.label,
        earned.position,
        earned.asset,
        cast(earned.amount as numeric(38, 18)) as amount
    from earned
    left join calendar on earned.month = calendar.month
)

select * from final
