{{ config(materialized="view") }}

{#- A view: what one account's statement costs is one account's postings. It shows whoever reads it what they may see. -#}

with

general_ledger as (
    select * from {{ ref("general_ledger") }}
),

final as (
    select
        tenant,
        account,
        asset,
        log_position,
        line,
        entry_id,
        kind,
        reference,
        note,
        effective_at,
        effective_date,
        recorded_at,
        amount,
        cast(
            sum(amount) over (
                partition by tenant, account, asset
                order by effective_at, log_position, line
            ) as numeric(38, 18)
        ) as balance
    from general_ledger
)

select * from final
