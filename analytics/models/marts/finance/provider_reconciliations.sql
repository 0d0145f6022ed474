{{ config(materialized="view") }}

{#- A view: what is open gets older with every build, whether anything happened to it or not. -#}

with

items as (
    select * from {{ ref("int_provider_items") }}
),

cut as (
    select * from {{ ref("int_cut") }}
),

final as (
    select
        items.tenant,
        items.provider,
        items.reference,
        items.asset,
        items.kinds,
        items.said_amount,
        items.ledger_amount,
        items.difference,
        items.since,
        cut.known_on - items.since as age_days,
        items.difference <> 0 as is_open
    from items
    cross join cut
)

select * from final
