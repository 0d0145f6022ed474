{{ config(indexes=[{"columns": ["tenant", "asset", "day"]}]) }}

with

balances_daily as (
    select * from {{ ref("balances_daily") }}
),

accounts as (
    select * from {{ ref("accounts") }}
),

moved as (
    select
        balances_daily.tenant,
        balances_daily.asset,
        balances_daily.day,
        coalesce(sum(balances_daily.debits - balances_daily.credits) filter (where accounts.money_of = 'client'), 0) as held,
        coalesce(
            sum(balances_daily.credits - balances_daily.debits) filter (where accounts.line in ('users', 'withdrawals_payable')), 0
        ) as owed
    from balances_daily
    inner join accounts
        on
            balances_daily.tenant = accounts.tenant
            and balances_daily.account = accounts.account
    where accounts.money_of = 'client' or accounts.line in ('users', 'withdrawals_payable')
    group by balances_daily.tenant, balances_daily.asset, balances_daily.day
),

running as (
    select
        tenant,
        asset,
        day,
        sum(held) over (partition by tenant, asset order by day) as held,
        sum(owed) over (partition by tenant, asset order by day) as owed
    from moved
),

final as (
    select
        tenant,
        asset,
        day,
        cast(held as numeric(38, 18)) as held,
        cast(owed as numeric(38, 18)) as owed,
        cast(held - owed as numeric(38, 18)) as surplus,
        held < owed as is_short
    from running
)

select * from final
