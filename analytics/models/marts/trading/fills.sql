{{ config(indexes=[{"columns": ["tenant", "user_id", "day"]}]) }}

with

fills as (
    select * from {{ ref("stg_trading__fills") }}
),

connections as (
    select * from {{ ref("stg_trading__connections") }}
),

final as (
    select
        fills.tenant,
        fills.log_position,
        fills.order_id,
        fills.connection_id,
        connections.user_id,
        connections.venue,
        fills.instrument,
        upper(split_part(fills.instrument, '-', 1)) as base,
        upper(split_part(fills.instrument, '-', 2)) as quote,
        fills.strategy,
        fills.side,
        fills.trade_id,
        fills.quantity,
        fills.price,
        fills.cost,
        fills.fee,
        fills.fee_asset,
        fills.liquidity,
        fills.occurred_at,
        {{ day_of("fills.occurred_at") }} as day,
        fills.recorded_at
    from fills
    inner join connections
        on
            fills.tenant = connections.tenant
            and fills.connection_id = connections.connection_id
)

select * from final
