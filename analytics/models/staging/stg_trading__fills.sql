with

source as (
    select * from {{ source("read", "fills") }}
),

final as (
    select
        tenant collate "default" as tenant,
        log_position,
        order_id collate "default" as order_id,
        connection collate "default" as connection_id,
        instrument collate "default" as instrument,
        coalesce(strategy collate "default", 'none') as strategy,
        side collate "default" as side,
        trade_id collate "default" as trade_id,
        {{ amount_of("quantity", 18) }} as quantity,
        {{ amount_of("price", 18) }} as price,
        {{ amount_of("cost", 18) }} as cost,
        {{ amount_of("fee", 18) }} as fee,
        fee_asset collate "default" as fee_asset,
        liquidity collate "default" as liquidity,
        occurred_at,
        recorded_at
    from source
    where {{ known() }}
)

select * from final
