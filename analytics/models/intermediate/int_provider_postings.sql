{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    indexes=[{"columns": ["log_position"]}],
) }}

{#- Lines of the ledger's accounts of providers, with the object that they belong to. A reversal's reference is the entry that
    it negates: it belongs to that entry's object, whichever build that came with. -#}

with

general_ledger as (
    select * from {{ ref("general_ledger") }}
),

postings as (
    select *
    from general_ledger
    where {{ is_new() }} and class = 'assets' and account like 'assets:psp:%'
),

reversed as (
    select
        postings.tenant,
        postings.log_position,
        postings.line,
        negated.reference
    from postings
    inner join general_ledger as negated
        on
            postings.tenant = negated.tenant
            and postings.account = negated.account
            and postings.asset = negated.asset
            and postings.reverses = negated.entry_id
            and postings.line = negated.line
    where postings.reverses is not null and negated.class = 'assets' and negated.account like 'assets:psp:%'
),

final as (
    select
        postings.tenant,
        postings.log_position,
        postings.line,
        split_part(postings.account, ':', 3) as provider,
        coalesce(reversed.reference, postings.reference) as reference,
        postings.asset,
        postings.amount,
        postings.effective_date
    from postings
    left join reversed
        on
            postings.tenant = reversed.tenant
            and postings.log_position = reversed.log_position
            and postings.line = reversed.line
)

select * from final
