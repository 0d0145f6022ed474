-- The journal's lines once more, from the log itself and to its very end: what marts and read models are compared with. No
-- mart is made of it.
with

source as (
    select * from {{ source("log", "events") }}
),

decoded as (
    select
        tenant collate "default" as tenant,
        notification_id as log_position,
        convert_from(state, 'UTF8')::jsonb -> 'entry' as entry,
        {{ known("notification_id") }} as is_known
    from source
    where topic = 'ledger.entry_posted.v1'
),

final as (
    select
        decoded.tenant,
        decoded.log_position,
        decoded.is_known,
        postings.line,
        decoded.entry ->> 'reference' as reference,
        postings.posting ->> 'account' as account,
        postings.posting ->> 'asset' as asset,
        cast(postings.posting ->> 'amount' as numeric) as amount
    from decoded
    cross join lateral jsonb_array_elements(decoded.entry -> 'postings') with ordinality as postings (posting, line)
)

select * from final
