with

source as (
    select * from {{ source("read", "connections") }}
),

final as (
    select
        tenant collate "default" as tenant,
        id collate "default" as connection_id,
        user_id collate "default" as user_id,
        venue collate "default" as venue,
        market collate "default" as market,
        start_asset collate "default" as start_asset,
        {{ amount_of("start_units", "start_scale") }} as start_amount,
        occurred_at,
        log_position
    from source
    where {{ known() }}
)

select * from final
