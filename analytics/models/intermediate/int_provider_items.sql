{{ config(
    materialized="incremental",
    incremental_strategy="delete+insert",
    unique_key=["tenant", "provider", "reference", "asset"],
    on_schema_change="fail",
    indexes=[{"columns": ["tenant", "provider", "reference"]}, {"columns": ["log_position"]}],
    grants={"select": ["lastro_app"]},
    post_hook="{{ protect_tenants() }}",
) }}

{#- One row for each object at a provider: what the provider says it moved, and what the ledger says. An entry that belongs
    to no object of the provider is an open item of its own. Items that nothing new belongs to stay as they are. -#}

with

movements as (
    select * from {{ ref("int_provider_movements") }}
),

postings as (
    select * from {{ ref("int_provider_postings") }}
),

touched as (
    select
        tenant,
        provider,
        reference,
        asset
    from movements
    where {{ is_new() }}
    union
    select
        tenant,
        provider,
        reference,
        asset
    from postings
    where {{ is_new() }}
),

said as (
    select
        tenant,
        provider,
        reference,
        asset,
        string_agg(distinct movements.kind, ', ' order by movements.kind) as kinds,
        sum(movements.amount) as amount,
        {{ day_of("min(movements.occurred_at)") }} as since,
        max(movements.log_position) as log_position
    from movements
    inner join touched using (tenant, provider, reference, asset)
    group by tenant, provider, reference, asset
),

ledger as (
    select
        tenant,
        provider,
        reference,
        asset,
        sum(postings.amount) as amount,
        min(postings.effective_date) as since,
        max(postings.log_position) as log_position
    from postings
    inner join touched using (tenant, provider, reference, asset)
    group by tenant, provider, reference, asset
),

final as (
    select
        tenant,
        provider,
        reference,
        asset,
        coalesce(said.kinds, 'not at the provider') as kinds,
        cast(coalesce(said.amount, 0) as numeric(38, 18)) as said_amount,
        cast(coalesce(ledger.amount, 0) as numeric(38, 18)) as ledger_amount,
        cast(coalesce(ledger.amount, 0) - coalesce(said.amount, 0) as numeric(38, 18)) as difference,
        least(said.since, ledger.since) as since,
        greatest(said.log_position, ledger.log_position) as log_position
    from said
    full outer join ledger using (tenant, provider, reference, asset)
)

select * from final
