{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    indexes=[{"columns": ["type"]}, {"columns": ["log_position"], "unique": true}],
) }}

-- The facts beside the journal that finance asks for, decoded once. The journal itself is not among them: it is read as rows.
with

events as (
    select * from {{ ref("stg_log__events") }}
),

final as (
    select
        tenant,
        log_position,
        type,
        fact,
        cast(fact ->> 'occurred_at' as timestamptz) as occurred_at,
        recorded_at
    from events
    where
        {{ is_new() }}
        and type in (
            'rate.recorded.v1',
            'deposit.settled.v1',
            'refund.requested.v1', 'refund.settled.v1', 'refund.failed.v1',
            'dispute.opened.v1', 'dispute.charged_back.v1', 'dispute.won.v1',
            'payout.created.v1', 'payout.failed.v1',
            'withdrawal.requested.v1', 'withdrawal.approved.v1', 'withdrawal.paid.v1', 'withdrawal.failed.v1',
            'withdrawal.returned.v1',
            'quote.made.v1', 'quote.accepted.v1', 'fx.covered.v1',
            'position.filled.v1'
        )
)

select * from final
