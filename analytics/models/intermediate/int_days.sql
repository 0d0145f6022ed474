-- Every day from the first posting of anybody to the last: what metrics are counted along.
with

balances_daily as (
    select * from {{ ref("balances_daily") }}
),

span as (
    select
        min(day) as first_day,
        max(day) as last_day
    from balances_daily
),

final as (
    select cast(days.day as date) as day
    from span
    cross join lateral generate_series(
        cast(span.first_day as timestamp), cast(span.last_day as timestamp), interval '1 day'
    ) as days (day)
)

select * from final
