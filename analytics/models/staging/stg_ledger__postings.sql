with

source as (
    select * from {{ source("read", "postings") }}
),

final as (
    select
        tenant collate "default" as tenant,
        log_position,
        line,
        account collate "default" as account,
        asset collate "default" as asset,
        scale,
        units,
        {{ amount_of("units", "scale") }} as amount
    from source
    where {{ known() }}
)

select * from final
