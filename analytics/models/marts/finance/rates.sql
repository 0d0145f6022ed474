{{ config(indexes=[{"columns": ["tenant", "asset", "occurred_at"]}]) }}

{#- Rates are used in the direction they were recorded in: the inverse of a decimal is none. -#}

with

events as (
    select * from {{ ref("int_business_events") }}
),

tenants as (
    select * from {{ ref("int_tenants") }}
),

final as (
    select
        events.tenant,
        events.log_position,
        events.fact ->> 'base' as asset,
        tenants.currency,
        {{ money("events.fact", "price") }} as rate,
        events.fact ->> 'source' as source,
        events.occurred_at,
        events.recorded_at
    from events
    inner join tenants on events.tenant = tenants.tenant
    where
        events.type = 'rate.recorded.v1'
        and {{ asset_of("events.fact", "price") }} = tenants.currency
)

select * from final
