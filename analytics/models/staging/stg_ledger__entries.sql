with

source as (
    select * from {{ source("read", "entries") }}
),

final as (
    select
        tenant collate "default" as tenant,
        log_position,
        id collate "default" as entry_id,
        book collate "default" as book,
        kind collate "default" as kind,
        reference collate "default" as reference,
        reverses collate "default" as reverses,
        actor collate "default" as actor,
        note,
        occurred_at,
        effective_at,
        recorded_at,
        append_end
    from source
    where {{ known() }}
)

select * from final
