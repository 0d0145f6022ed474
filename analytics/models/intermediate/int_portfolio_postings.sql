{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    indexes=[{"columns": ["log_position"]}],
) }}

-- The portfolio realm's postings with what their accounts and references say: whose, of which instrument and strategy.
with

general_ledger as (
    select * from {{ ref("general_ledger") }}
),

connections as (
    select * from {{ ref("stg_trading__connections") }}
),

final as (
    select
        general_ledger.tenant,
        general_ledger.log_position,
        general_ledger.line,
        general_ledger.kind,
        connections.user_id,
        connections.connection_id,
        split_part(general_ledger.account, ':', 3) as part,
        case split_part(general_ledger.account, ':', 3)
            when 'conversion' then split_part(general_ledger.account, ':', 4)
            else nullif(split_part(general_ledger.reference, ':', 2), '')
        end as instrument,
        case split_part(general_ledger.account, ':', 3)
            when 'conversion' then split_part(general_ledger.account, ':', 5)
            else nullif(split_part(general_ledger.reference, ':', 3), '')
        end as strategy,
        general_ledger.asset,
        general_ledger.amount,
        {{ day_of("general_ledger.occurred_at") }} as day
    from general_ledger
    inner join connections
        on
            general_ledger.tenant = connections.tenant
            and split_part(general_ledger.account, ':', 2) = connections.connection_id
    where {{ is_new("general_ledger.log_position") }} and general_ledger.realm = 'portfolio'
)

select * from final
