{#- Withdrawals that were approved and are not paid. -#}

with

events as (
    select * from {{ ref("int_business_events") }}
),

cut as (
    select * from {{ ref("int_cut") }}
),

requested as (
    select
        tenant,
        fact ->> 'withdrawal' as withdrawal_id,
        fact ->> 'user' as user_id,
        {{ asset_of("fact", "amount") }} as asset,
        {{ money("fact", "amount") }} - {{ money("fact", "withheld") }} as amount
    from events
    where type = 'withdrawal.requested.v1'
),

approved as (
    select
        tenant,
        fact ->> 'withdrawal' as withdrawal_id,
        occurred_at
    from events
    where type = 'withdrawal.approved.v1'
),

ended as (
    select distinct
        tenant,
        fact ->> 'withdrawal' as withdrawal_id
    from events
    where type in ('withdrawal.paid.v1', 'withdrawal.failed.v1', 'withdrawal.returned.v1')
),

final as (
    select
        approved.tenant,
        requested.user_id,
        approved.withdrawal_id,
        requested.asset,
        cast(requested.amount as numeric(38, 18)) as open_amount,
        {{ day_of("approved.occurred_at") }} as since,
        cut.known_on - {{ day_of("approved.occurred_at") }} as age_days,
        {{ age_band("cut.known_on - " ~ day_of("approved.occurred_at")) }} as age_band
    from approved
    inner join requested
        on
            approved.tenant = requested.tenant
            and approved.withdrawal_id = requested.withdrawal_id
    left join ended
        on
            approved.tenant = ended.tenant
            and approved.withdrawal_id = ended.withdrawal_id
    cross join cut
    where ended.withdrawal_id is null
)

select * from final
