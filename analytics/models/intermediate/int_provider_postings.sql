{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    indexes=[{"columns": ["log_position"]}],
) }}

{#- Lines of the ledger's accounts of providers, with the object that they belong to. A reversal's reference is the entry that
    it negates: it belongs to that entry's object. Reversals are few, so each looks its entry up. -#}

with

general_ledger as (
    select * from {{ ref("general_ledger") }}
),

entries as (
    select * from {{ ref("stg_ledger__entries") }}
),

final as (
    select
        tenant,
        log_position,
        line,
        split_part(account, ':', 3) as provider,
        case
            when reverses is null then reference
            else (
                select entries.reference
                from entries
                where entries.tenant = general_ledger.tenant and entries.entry_id = general_ledger.reverses
            )
        end as reference,
        asset,
        amount,
        effective_date
    from general_ledger
    where {{ is_new() }} and class = 'assets' and account like 'assets:psp:%'
)

select * from final
