-- Tenants with postings, and the currency each reports in.
with

balances_daily as (
    select * from {{ ref("balances_daily") }}
),

reporting_currencies as (
    select * from {{ ref("reporting_currencies") }}
),

tenants as (
    select distinct tenant from balances_daily
),

final as (
    select
        tenants.tenant,
        coalesce(named.currency, anybody.currency) as currency,
        coalesce(named.decimals, anybody.decimals) as decimals
    from tenants
    left join reporting_currencies as named on tenants.tenant = named.tenant
    left join reporting_currencies as anybody on anybody.tenant = '*'
)

select * from final
