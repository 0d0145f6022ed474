-- The fees in force, as the last fact that was decided on them says. The snapshot keeps what they were before.
with

events as (
    select * from {{ ref("int_business_events") }}
),

withdrawals as (
    select distinct on (tenant, {{ asset_of("fact", "amount") }})
        tenant,
        'withdrawal' as act,
        {{ asset_of("fact", "amount") }} as asset,
        fact -> 'terms' -> 'fee' ->> 'value' as fee,
        fact -> 'terms' -> 'minimum' ->> 'value' as minimum,
        cast(null as integer) as spread_bps,
        cast(null as integer) as tax_bps,
        log_position
    from events
    where type = 'withdrawal.requested.v1'
    order by tenant asc, {{ asset_of("fact", "amount") }} asc, log_position desc
),

exchanges as (
    select distinct on (tenant, {{ asset_of("fact", "sold") }}, {{ asset_of("fact", "net") }})
        tenant,
        'exchange' as act,
        concat_ws('-', {{ asset_of("fact", "sold") }}, {{ asset_of("fact", "net") }}) as asset,
        cast(null as text) as fee,
        cast(null as text) as minimum,
        cast(fact -> 'costs' ->> 'spread_bps' as integer) as spread_bps,
        cast(fact -> 'costs' ->> 'tax_bps' as integer) as tax_bps,
        log_position
    from events
    where type = 'quote.made.v1'
    order by tenant asc, {{ asset_of("fact", "sold") }} asc, {{ asset_of("fact", "net") }} asc, log_position desc
),

final as (
    select * from withdrawals
    union all
    select * from exchanges
)

select
    *,
    concat_ws(':', tenant, act, asset) as schedule
from final
