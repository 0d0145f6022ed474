{{ config(indexes=[{"columns": ["tenant", "month"]}]) }}

{#- Which kinds of entries moved cash. Money that changes its place within one row's cash shows as an inflow and an outflow. -#}

with

movements as (
    select * from {{ ref("int_daily_movements") }}
),

accounts as (
    select * from {{ ref("accounts") }}
),

final as (
    select
        movements.tenant,
        {{ month_of("movements.day") }} as month,
        accounts.money_of,
        accounts.cash,
        movements.asset,
        movements.kind,
        cast(sum(movements.debits) as numeric(38, 18)) as inflow,
        cast(sum(movements.credits) as numeric(38, 18)) as outflow,
        cast(sum(movements.debits - movements.credits) as numeric(38, 18)) as net
    from movements
    inner join accounts
        on
            movements.tenant = accounts.tenant
            and movements.account = accounts.account
    where movements.class = 'assets' and accounts.cash is not null
    group by 1, 2, 3, 4, 5, 6
)

select * from final
