-- From when to when each recorded rate holds. An entry or a day before the first rate of an asset takes the first one; of two
-- rates for one moment the later recorded one holds.
{{ config(indexes=[{"columns": ["tenant", "asset", "valid_from"]}]) }}

with

rates as (
    select * from {{ ref("rates") }}
),

tenants as (
    select * from {{ ref("int_tenants") }}
),

latest as (
    select distinct on (tenant, asset, occurred_at)
        tenant,
        asset,
        currency,
        rate,
        occurred_at
    from rates
    order by tenant asc, asset asc, occurred_at asc, log_position desc
),

periods as (
    select
        tenant,
        asset,
        currency,
        cast(rate as numeric) as rate,
        case
            when row_number() over (partition by tenant, asset order by occurred_at) = 1 then '0001-01-01 00:00:00+00'::timestamptz
            else occurred_at
        end as valid_from,
        lead(occurred_at, 1, '9999-12-31 00:00:00+00'::timestamptz) over (partition by tenant, asset order by occurred_at) as valid_to
    from latest
),

itself as (
    select
        tenant,
        currency as asset,
        currency,
        1::numeric as rate,
        '0001-01-01 00:00:00+00'::timestamptz as valid_from,
        '9999-12-31 00:00:00+00'::timestamptz as valid_to
    from tenants
),

final as (
    select * from periods
    union all
    select * from itself
)

select * from final
