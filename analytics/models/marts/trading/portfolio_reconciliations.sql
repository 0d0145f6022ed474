{#- Portfolio against ledger: what a connection started with and its fills come to, and what the ledger holds. -#}

with

connections as (
    select * from {{ ref("stg_trading__connections") }}
),

fills as (
    select * from {{ ref("fills") }}
),

postings as (
    select * from {{ ref("int_portfolio_postings") }}
),

moves as (
    select
        tenant,
        connection_id,
        start_asset as asset,
        start_amount as amount
    from connections
    union all
    select
        tenant,
        connection_id,
        base as asset,
        case side when 'buy' then quantity else -quantity end as amount
    from fills
    union all
    select
        tenant,
        connection_id,
        quote as asset,
        case side when 'buy' then -cost else cost end as amount
    from fills
    union all
    select
        tenant,
        connection_id,
        fee_asset as asset,
        -fee as amount
    from fills
),

traded as (
    select
        tenant,
        connection_id,
        asset,
        sum(amount) as amount
    from moves
    group by tenant, connection_id, asset
),

ledger as (
    select
        tenant,
        connection_id,
        asset,
        sum(amount) as amount
    from postings
    where part = 'holdings'
    group by tenant, connection_id, asset
),

final as (
    select
        tenant,
        connection_id,
        asset,
        cast(coalesce(traded.amount, 0) as numeric(38, 18)) as traded_amount,
        cast(coalesce(ledger.amount, 0) as numeric(38, 18)) as ledger_amount,
        cast(coalesce(ledger.amount, 0) - coalesce(traded.amount, 0) as numeric(38, 18)) as difference
    from traded
    full outer join ledger using (tenant, connection_id, asset)
)

select * from final
