-- Every month from a tenant's first posting to its last, whether anything happened in it or not.
with

balances_daily as (
    select * from {{ ref("balances_daily") }}
),

spans as (
    select
        tenant,
        {{ month_of("min(day)") }} as first_month,
        {{ month_of("max(day)") }} as last_month
    from balances_daily
    group by tenant
),

final as (
    select
        spans.tenant,
        cast(months.month as date) as month,
        {{ month_end("cast(months.month as date)") }} as month_end
    from spans
    cross join lateral generate_series(
        cast(spans.first_month as timestamp), cast(spans.last_month as timestamp), interval '1 month'
    ) as months (month)
)

select * from final
