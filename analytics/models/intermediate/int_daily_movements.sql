{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    indexes=[{"columns": ["log_position"]}],
) }}

{#- What each build's new postings moved, summed once: cash, revenue and expenses are few accounts with many postings. A day
    has as many rows as builds that brought something for it, so whoever reads this sums over it. -#}

with

general_ledger as (
    select * from {{ ref("general_ledger") }}
),

final as (
    select
        tenant,
        effective_date as day,
        class,
        account,
        asset,
        kind,
        cast(coalesce(sum(amount) filter (where amount > 0), 0) as numeric(38, 18)) as debits,
        cast(-coalesce(sum(amount) filter (where amount < 0), 0) as numeric(38, 18)) as credits,
        count(*) as postings,
        max(log_position) as log_position
    from general_ledger
    where {{ is_new() }} and class in ('assets', 'revenue', 'expenses')
    group by tenant, effective_date, class, account, asset, kind
)

select * from final
