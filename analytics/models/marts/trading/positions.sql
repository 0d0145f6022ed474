{#- Positions as the ledger's conversion accounts say: their base is minus the quantity, their quote is the cost. -#}

with

postings as (
    select
        *,
        upper(split_part(instrument, '-', 1)) as base,
        upper(split_part(instrument, '-', 2)) as quote
    from {{ ref("int_portfolio_postings") }}
    where instrument is not null
),

final as (
    select
        tenant,
        user_id,
        connection_id,
        instrument,
        strategy,
        base,
        quote,
        cast(-coalesce(sum(amount) filter (where part = 'conversion' and asset = base), 0) as numeric(38, 18)) as quantity,
        cast(coalesce(sum(amount) filter (where part = 'conversion' and asset = quote), 0) as numeric(38, 18)) as cost,
        cast(-coalesce(sum(amount) filter (where part = 'pnl'), 0) as numeric(38, 18)) as realised,
        cast(coalesce(sum(amount) filter (where part = 'fees'), 0) as numeric(38, 18)) as fees
    from postings
    where part in ('conversion', 'pnl', 'fees')
    group by tenant, user_id, connection_id, instrument, strategy, base, quote
)

select * from final
