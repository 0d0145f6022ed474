-- The same for positions: what the conversion accounts and results of the ledger come to is what the fold of fills says.
with

general_ledger as (
    select * from {{ ref("general_ledger") }}
),

cursors as (
    select log_position from {{ source("read", "positions_cursor") }}
),

folded as (
    select
        tenant collate "default" as tenant,
        connection collate "default" as connection_id,
        instrument collate "default" as instrument,
        strategy collate "default" as strategy,
        quantity * 1e-18 as quantity,
        cost * 1e-18 as cost,
        realised * 1e-18 as realised
    from {{ source("read", "positions") }}
),

later as (
    select
        tenant,
        account,
        reference,
        asset,
        amount
    from {{ ref("stg_log__postings") }}
    where
        not is_known
        and log_position <= (select cursors.log_position from cursors)
        and account like 'portfolio:%'
),

lines as (
    select
        tenant,
        account,
        reference,
        asset,
        amount
    from general_ledger
    where realm = 'portfolio' and log_position <= (select cursors.log_position from cursors)
    union all
    select * from later
),

named as (
    select
        tenant,
        split_part(account, ':', 2) as connection_id,
        split_part(account, ':', 3) as part,
        case split_part(account, ':', 3)
            when 'conversion' then split_part(account, ':', 4)
            else split_part(reference, ':', 2)
        end as instrument,
        case split_part(account, ':', 3)
            when 'conversion' then split_part(account, ':', 5)
            else split_part(reference, ':', 3)
        end as strategy,
        asset,
        amount
    from lines
    where split_part(account, ':', 3) in ('conversion', 'pnl')
),

booked as (
    select
        tenant,
        connection_id,
        instrument,
        strategy,
        -coalesce(sum(amount) filter (where part = 'conversion' and asset = upper(split_part(instrument, '-', 1))), 0) as quantity,
        coalesce(sum(amount) filter (where part = 'conversion' and asset = upper(split_part(instrument, '-', 2))), 0) as cost,
        -coalesce(sum(amount) filter (where part = 'pnl'), 0) as realised
    from named
    group by tenant, connection_id, instrument, strategy
)

select
    tenant,
    connection_id,
    instrument,
    strategy,
    booked.quantity as booked_quantity,
    folded.quantity as folded_quantity,
    booked.cost as booked_cost,
    folded.cost as folded_cost,
    booked.realised as booked_realised,
    folded.realised as folded_realised
from booked
full outer join folded using (tenant, connection_id, instrument, strategy)
where
    coalesce(booked.quantity, 0) <> coalesce(folded.quantity, 0)
    or coalesce(booked.cost, 0) <> coalesce(folded.cost, 0)
    or coalesce(booked.realised, 0) <> coalesce(folded.realised, 0)
