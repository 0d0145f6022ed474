{#- Exchanges of users and how we covered them, by month and pair. What is sold is in `base`, everything else in `quote`. -#}

with

events as (
    select * from {{ ref("int_business_events") }}
),

made as (
    select
        tenant,
        fact ->> 'quote' as quote_id,
        {{ asset_of("fact", "sold") }} as base,
        {{ asset_of("fact", "net") }} as quote,
        {{ money("fact", "sold") }} as sold,
        {{ money("fact", "gross") }} as gross,
        {{ money("fact", "spread") }} as spread,
        {{ money("fact", "tax") }} as tax,
        {{ money("fact", "net") }} as net
    from events
    where type = 'quote.made.v1'
),

accepted as (
    select
        made.*,
        {{ month_of(day_of("events.occurred_at")) }} as month
    from events
    inner join made
        on
            events.tenant = made.tenant
            and events.fact ->> 'quote' = made.quote_id
    where events.type = 'quote.accepted.v1'
),

exchanged as (
    select
        tenant,
        month,
        base,
        quote,
        count(*) as exchanges,
        sum(sold) as sold,
        sum(gross) as gross,
        sum(spread) as spread,
        sum(tax) as tax,
        sum(net) as net
    from accepted
    group by tenant, month, base, quote
),

covered as (
    select
        tenant,
        {{ month_of(day_of("occurred_at")) }} as month,
        {{ asset_of("fact", "base") }} as base,
        {{ asset_of("fact", "received") }} as quote,
        sum({{ money("fact", "base") }}) as covered,
        sum({{ money("fact", "released") }}) as released,
        sum({{ money("fact", "received") }}) as received
    from events
    where type = 'fx.covered.v1'
    group by
        tenant, {{ month_of(day_of("occurred_at")) }}, {{ asset_of("fact", "base") }}, {{ asset_of("fact", "received") }}
),

final as (
    select
        tenant,
        month,
        base,
        quote,
        coalesce(exchanged.exchanges, 0) as exchanges,
        cast(coalesce(exchanged.sold, 0) as numeric(38, 18)) as sold,
        cast(coalesce(exchanged.gross, 0) as numeric(38, 18)) as gross,
        cast(coalesce(exchanged.spread, 0) as numeric(38, 18)) as spread,
        cast(coalesce(exchanged.tax, 0) as numeric(38, 18)) as tax,
        cast(coalesce(exchanged.net, 0) as numeric(38, 18)) as net,
        cast(coalesce(covered.covered, 0) as numeric(38, 18)) as covered,
        cast(coalesce(covered.received, 0) as numeric(38, 18)) as received,
        cast(coalesce(covered.received, 0) - coalesce(covered.released, 0) as numeric(38, 18)) as result,
        cast(
            sum(coalesce(exchanged.sold, 0) - coalesce(covered.covered, 0)) over (
                partition by tenant, base, quote
                order by month
            ) as numeric(38, 18)
        ) as open_base,
        cast(
            sum(coalesce(exchanged.gross, 0) - coalesce(covered.released, 0)) over (
                partition by tenant, base, quote
                order by month
            ) as numeric(38, 18)
        ) as open_quote
    from exchanged
    full outer join covered using (tenant, month, base, quote)
)

select * from final
