{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    indexes=[
        {"columns": ["log_position"]},
        {"columns": ["tenant", "account", "asset", "effective_date"]},
    ],
) }}

with

entries as (
    select * from {{ ref("stg_ledger__entries") }}
),

postings as (
    select * from {{ ref("stg_ledger__postings") }}
),

final as (
    select
        postings.tenant,
        postings.log_position,
        postings.line,
        entries.entry_id,
        entries.book,
        entries.kind,
        entries.reference,
        entries.reverses,
        entries.actor,
        entries.note,
        postings.account,
        split_part(postings.account, ':', 1) as class,
        case split_part(postings.account, ':', 1)
            when 'portfolio' then 'portfolio'
            when 'memo' then 'memo'
            else 'company'
        end as realm,
        postings.asset,
        postings.scale,
        postings.units,
        postings.amount,
        entries.occurred_at,
        entries.effective_at,
        {{ day_of("entries.effective_at") }} as effective_date,
        entries.recorded_at,
        entries.append_end
    from postings
    inner join entries
        on
            postings.tenant = entries.tenant
            and postings.log_position = entries.log_position
    where {{ is_new("postings.log_position") }} and {{ is_new("entries.log_position") }}
)

select * from final
