{{ config(indexes=[{"columns": ["tenant", "provider", "reference"]}]) }}

{#- One row for each object at a provider: what the provider says it moved, and what the ledger says. An entry that belongs
    to no object of the provider is an open item of its own. -#}

with

movements as (
    select * from {{ ref("int_provider_movements") }}
),

postings as (
    select * from {{ ref("int_provider_postings") }}
),

cut as (
    select * from {{ ref("int_cut") }}
),

said as (
    select
        tenant,
        provider,
        reference,
        asset,
        string_agg(distinct kind, ', ' order by kind) as kinds,
        sum(amount) as amount,
        {{ day_of("min(occurred_at)") }} as since
    from movements
    group by tenant, provider, reference, asset
),

ledger as (
    select
        tenant,
        provider,
        reference,
        asset,
        sum(amount) as amount,
        min(effective_date) as since
    from postings
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
        cut.known_on - least(said.since, ledger.since) as age_days,
        coalesce(ledger.amount, 0) <> coalesce(said.amount, 0) as is_open
    from said
    full outer join ledger using (tenant, provider, reference, asset)
    cross join cut
)

select * from final
