{{ config(indexes=[{"columns": ["tenant", "user_id", "day"]}]) }}

with

postings as (
    select * from {{ ref("int_portfolio_postings") }}
),

final as (
    select
        tenant,
        user_id,
        connection_id,
        instrument,
        strategy,
        day,
        asset,
        cast(-coalesce(sum(amount) filter (where part = 'pnl'), 0) as numeric(38, 18)) as realised,
        cast(coalesce(sum(amount) filter (where part = 'fees'), 0) as numeric(38, 18)) as fees,
        cast(-coalesce(sum(amount), 0) as numeric(38, 18)) as net
    from postings
    where part in ('pnl', 'fees') and instrument is not null
    group by tenant, user_id, connection_id, instrument, strategy, day, asset
)

select * from final
