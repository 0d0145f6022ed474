with

source as (
    select * from {{ source("log", "events") }}
),

final as (
    select
        tenant collate "default" as tenant,
        notification_id as log_position,
        originator_id collate "default" as stream,
        topic collate "default" as type,
        convert_from(state, 'UTF8')::jsonb as fact,
        actor collate "default" as actor,
        recorded_at
    from source
    where {{ known("notification_id") }}
)

select * from final
