-- Lines of the providers' own accounts of our money, as they said them: what each added to or took from what they hold.
with

events as (
    select * from {{ ref("int_business_events") }}
),

deposits as (
    select
        tenant,
        fact ->> 'provider' as provider,
        'deposit' as kind,
        fact ->> 'deposit' as reference,
        fact ->> 'movement' as movement,
        {{ asset_of("fact", "settled") }} as asset,
        {{ money("fact", "settled") }} - {{ money("fact", "fee") }} as amount,
        occurred_at,
        log_position
    from events
    where type = 'deposit.settled.v1'
),

refunds as (
    select
        settled.tenant,
        requested.fact ->> 'provider' as provider,
        'refund' as kind,
        settled.fact ->> 'refund' as reference,
        settled.fact ->> 'movement' as movement,
        {{ asset_of("settled.fact", "settled") }} as asset,
        -{{ money("settled.fact", "settled") }} - {{ money("settled.fact", "fee") }} as amount,
        settled.occurred_at,
        settled.log_position
    from events as settled
    inner join events as requested
        on
            settled.tenant = requested.tenant
            and settled.fact ->> 'refund' = requested.fact ->> 'refund'
            and requested.type = 'refund.requested.v1'
    where settled.type = 'refund.settled.v1'
),

-- A refund that comes back after it was settled: the money returns, what the provider kept for it does not.
refunds_back as (
    select
        failed.tenant,
        refunds.provider,
        'refund failed' as kind,
        refunds.reference,
        refunds.movement,
        refunds.asset,
        {{ money("settled.fact", "settled") }} as amount,
        failed.occurred_at,
        failed.log_position
    from events as failed
    inner join events as settled
        on
            failed.tenant = settled.tenant
            and failed.fact ->> 'refund' = settled.fact ->> 'refund'
            and settled.type = 'refund.settled.v1'
    inner join refunds on settled.tenant = refunds.tenant and settled.fact ->> 'refund' = refunds.reference
    where failed.type = 'refund.failed.v1'
),

opened as (
    select
        tenant,
        fact ->> 'dispute' as dispute_id,
        fact ->> 'provider' as provider
    from events
    where type = 'dispute.opened.v1'
),

disputes as (
    select
        events.tenant,
        opened.provider,
        case events.type when 'dispute.won.v1' then 'dispute won' else 'dispute' end as kind,
        opened.dispute_id as reference,
        events.fact ->> 'movement' as movement,
        {{ asset_of("events.fact", "settled") }} as asset,
        case events.type
            when 'dispute.won.v1' then {{ money("events.fact", "settled") }} + {{ money("events.fact", "fee") }}
            else -{{ money("events.fact", "settled") }} - {{ money("events.fact", "fee") }}
        end as amount,
        events.occurred_at,
        events.log_position
    from events
    inner join opened
        on
            events.tenant = opened.tenant
            and events.fact ->> 'dispute' = opened.dispute_id
    where events.type in ('dispute.charged_back.v1', 'dispute.won.v1') and events.fact ->> 'movement' is not null
),

payouts as (
    select
        tenant,
        fact ->> 'provider' as provider,
        'payout' as kind,
        fact ->> 'payout' as reference,
        fact ->> 'movement' as movement,
        {{ asset_of("fact", "amount") }} as asset,
        -{{ money("fact", "amount") }} - {{ money("fact", "fee") }} as amount,
        {{ money("fact", "amount") }} as gross,
        occurred_at,
        log_position
    from events
    where type = 'payout.created.v1'
),

payouts_back as (
    select
        payouts.tenant,
        payouts.provider,
        'payout failed' as kind,
        payouts.reference,
        payouts.movement,
        payouts.asset,
        payouts.gross as amount,
        events.occurred_at,
        events.log_position
    from events
    inner join payouts
        on
            events.tenant = payouts.tenant
            and events.fact ->> 'payout' = payouts.reference
    where events.type = 'payout.failed.v1'
),

final as (
    select * from deposits
    union all
    select * from refunds
    union all
    select * from refunds_back
    union all
    select * from disputes
    union all
    select
        tenant,
        provider,
        kind,
        reference,
        movement,
        asset,
        amount,
        occurred_at,
        log_position
    from payouts
    union all
    select * from payouts_back
)

select * from final
