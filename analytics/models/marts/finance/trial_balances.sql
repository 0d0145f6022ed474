{{ config(indexes=[{"columns": ["tenant", "month"]}]) }}

with

balances_daily as (
    select * from {{ ref("balances_daily") }}
),

months as (
    select * from {{ ref("int_months") }}
),

keys as (
    select
        tenant,
        account,
        asset,
        max(class) as class,
        max(realm) as realm,
        {{ month_of("min(day)") }} as first_month
    from balances_daily
    group by tenant, account, asset
),

moved as (
    select
        tenant,
        account,
        asset,
        {{ month_of("day") }} as month,
        sum(debits) as debits,
        sum(credits) as credits
    from balances_daily
    group by tenant, account, asset, {{ month_of("day") }}
),

rolled as (
    select
        keys.tenant,
        months.month,
        months.month_end,
        keys.account,
        keys.class,
        keys.realm,
        keys.asset,
        coalesce(moved.debits, 0) as debits,
        coalesce(moved.credits, 0) as credits,
        sum(coalesce(moved.debits, 0) - coalesce(moved.credits, 0)) over (
            partition by keys.tenant, keys.account, keys.asset
            order by months.month
        ) as closing
    from keys
    inner join months on keys.tenant = months.tenant and keys.first_month <= months.month
    left join moved
        on
            keys.tenant = moved.tenant
            and keys.account = moved.account
            and keys.asset = moved.asset
            and months.month = moved.month
),

final as (
    select
        tenant,
        month,
        month_end,
        account,
        class,
        realm,
        asset,
        cast(closing - debits + credits as numeric(38, 18)) as opening,
        cast(debits as numeric(38, 18)) as debits,
        cast(credits as numeric(38, 18)) as credits,
        cast(closing as numeric(38, 18)) as closing
    from rolled
)

select * from final
