{{ config(indexes=[{"columns": ["tenant", "month"]}]) }}

with

trial_balances as (
    select * from {{ ref("trial_balances") }}
),

accounts as (
    select * from {{ ref("accounts") }}
),

final as (
    select
        trial_balances.tenant,
        trial_balances.month,
        trial_balances.month_end,
        accounts.money_of,
        accounts.cash,
        trial_balances.asset,
        cast(sum(trial_balances.opening) as numeric(38, 18)) as opening,
        cast(sum(trial_balances.debits) as numeric(38, 18)) as debits,
        cast(sum(trial_balances.credits) as numeric(38, 18)) as credits,
        cast(sum(trial_balances.closing) as numeric(38, 18)) as closing
    from trial_balances
    inner join accounts
        on
            trial_balances.tenant = accounts.tenant
            and trial_balances.account = accounts.account
    where accounts.cash is not null
    group by 1, 2, 3, 4, 5, 6
)

select * from final
