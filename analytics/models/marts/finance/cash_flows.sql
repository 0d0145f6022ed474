{{ config(indexes=[{"columns": ["tenant", "month"]}]) }}

{#- Which kinds of entries moved cash. Money that changes its place within one row's cash shows as an inflow and an outflow. -#}

with

general_ledger as (
    select * from {{ ref("general_ledger") }}
),

accounts as (
    select * from {{ ref("accounts") }}
),

final as (
    select
        general_ledger.tenant,
        {{ month_of("general_ledger.effective_date") }} as month,
        accounts.money_of,
        accounts.cash,
        general_ledger.asset,
        general_ledger.kind,
        cast(coalesce(sum(general_ledger.amount) filter (where general_ledger.amount > 0), 0) as numeric(38, 18)) as inflow,
        cast(-coalesce(sum(general_ledger.amount) filter (where general_ledger.amount < 0), 0) as numeric(38, 18)) as outflow,
        cast(sum(general_ledger.amount) as numeric(38, 18)) as net
    from general_ledger
    inner join accounts
        on
            general_ledger.tenant = accounts.tenant
            and general_ledger.account = accounts.account
    where general_ledger.class = 'assets' and accounts.cash is not null
    group by 1, 2, 3, 4, 5, 6
)

select * from final
