with

tenants as (
    select * from {{ ref("int_tenants") }}
),

final as (
    select
        tenant,
        currency,
        decimals
    from tenants
)

select * from final
