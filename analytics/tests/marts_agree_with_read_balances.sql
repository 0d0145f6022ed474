-- Marts, read model and log say the same at the same log position: that of the read model as this very query sees it. What
-- the model has read beyond the build is taken from the log, what it has not read yet is left out.
with

general_ledger as (
    select * from {{ ref("general_ledger") }}
),

cursors as (
    select log_position from {{ source("read", "accounts_cursor") }}
),

balances as (
    select
        tenant collate "default" as tenant,
        account collate "default" as account,
        asset collate "default" as asset,
        units * ('1e-' || scale)::numeric as amount
    from {{ source("read", "balances") }}
),

later as (
    select
        tenant,
        account,
        asset,
        amount
    from {{ ref("stg_log__postings") }}
    where
        not is_known
        and log_position <= (select cursors.log_position from cursors)
),

lines as (
    select
        tenant,
        account,
        asset,
        amount
    from general_ledger
    where log_position <= (select cursors.log_position from cursors)
    union all
    select * from later
),

here as (
    select
        tenant,
        account,
        asset,
        sum(amount) as amount
    from lines
    group by tenant, account, asset
)

select
    tenant,
    account,
    asset,
    here.amount as amount_here,
    balances.amount as amount_there
from here
full outer join balances using (tenant, account, asset)
where here.amount is distinct from balances.amount
