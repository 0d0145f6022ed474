{#- How often closing paid, by user, instrument, strategy and month. A fill counts once, by what it realised as it closed. -#}

with

events as (
    select * from {{ ref("int_business_events") }}
),

connections as (
    select * from {{ ref("stg_trading__connections") }}
),

closing as (
    select
        events.tenant,
        events.log_position,
        events.fact -> 'key' ->> 'connection' as connection_id,
        events.fact -> 'key' ->> 'instrument' as instrument,
        coalesce(events.fact -> 'key' ->> 'strategy', 'none') as strategy,
        {{ month_of(day_of("events.occurred_at")) }} as month,
        max({{ asset_of("parts.part", "realised") }}) as asset,
        sum({{ money("parts.part", "realised") }}) as realised
    from events
    cross join lateral jsonb_array_elements(events.fact -> 'parts') as parts (part)
    where events.type = 'position.filled.v1' and parts.part ->> 'effect' = 'closes'
    group by 1, 2, 3, 4, 5, 6
),

final as (
    select
        closing.tenant,
        connections.user_id,
        closing.instrument,
        closing.strategy,
        closing.month,
        closing.asset,
        count(*) as closed,
        count(*) filter (where closing.realised > 0) as won,
        count(*) filter (where closing.realised < 0) as lost,
        cast(sum(closing.realised) as numeric(38, 18)) as realised,
        count(*) filter (where closing.realised > 0)::numeric / count(*) as win_rate
    from closing
    inner join connections
        on
            closing.tenant = connections.tenant
            and closing.connection_id = connections.connection_id
    group by 1, 2, 3, 4, 5, 6
)

select * from final
