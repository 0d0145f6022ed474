-- What is translated at the rate of its entry, by account and month: deferred revenue, equity but for the open currency
-- position, revenue and expenses. Exact: a sum of products, rounded nowhere.
with

general_ledger as (
    select * from {{ ref("general_ledger") }}
),

accounts as (
    select * from {{ ref("accounts") }}
),

rates as (
    select * from {{ ref("int_rates") }}
),

final as (
    select
        general_ledger.tenant,
        {{ month_of("general_ledger.effective_date") }} as month,
        general_ledger.account,
        accounts.class,
        general_ledger.asset,
        rates.currency,
        sum(general_ledger.amount) as amount,
        sum(general_ledger.amount * rates.rate) as reported,
        coalesce(sum(general_ledger.amount) filter (where general_ledger.kind <> 'closing'), 0) as amount_before_closing,
        coalesce(sum(general_ledger.amount * rates.rate) filter (where general_ledger.kind <> 'closing'), 0) as reported_before_closing
    from general_ledger
    inner join accounts
        on
            general_ledger.tenant = accounts.tenant
            and general_ledger.account = accounts.account
    inner join rates
        on
            general_ledger.tenant = rates.tenant
            and general_ledger.asset = rates.asset
            and general_ledger.effective_at >= rates.valid_from
            and general_ledger.effective_at < rates.valid_to
    where accounts.realm = 'company' and not accounts.is_monetary
    group by
        general_ledger.tenant, {{ month_of("general_ledger.effective_date") }}, general_ledger.account, accounts.class,
        general_ledger.asset, rates.currency
)

select * from final
