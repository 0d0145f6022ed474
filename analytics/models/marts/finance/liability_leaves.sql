with

trial_balances as (
    select * from {{ ref("trial_balances") }}
),

accounts as (
    select * from {{ ref("accounts") }}
),

latest as (
    select
        tenant,
        max(month) as month
    from trial_balances
    group by tenant
),

final as (
    select
        trial_balances.tenant,
        accounts.user_id,
        trial_balances.asset,
        cast(-sum(trial_balances.closing) as numeric(38, 18)) as amount
    from trial_balances
    inner join latest on trial_balances.tenant = latest.tenant and trial_balances.month = latest.month
    inner join accounts
        on
            trial_balances.tenant = accounts.tenant
            and trial_balances.account = accounts.account
    where accounts.line in ('users', 'withdrawals_payable')
    group by trial_balances.tenant, accounts.user_id, trial_balances.asset
    having sum(trial_balances.closing) <> 0
)

select * from final
