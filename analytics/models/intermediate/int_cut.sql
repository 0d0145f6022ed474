{{ config(grants={"select": ["lastro_app"]}) }}

-- Up to where this build has read, and when that was recorded: ages are counted from there, so that they do not depend on the clock.
with

events as (
    select * from {{ ref("stg_log__events") }}
),

final as (
    select
        log_position,
        recorded_at as known_at,
        {{ day_of("recorded_at") }} as known_on
    from events
    order by log_position desc
    limit 1
)

select * from final
