{{ config(indexes=[{"columns": ["tenant", "day"]}]) }}

with

general_ledger as (
    select * from {{ ref("general_ledger") }}
),

accounts as (
    select * from {{ ref("accounts") }}
),

final as (
    select
        general_ledger.tenant,
        general_ledger.effective_date as day,
        case accounts.class when 'revenue' then 'earned' else 'borne' end as direction,
        accounts.line as fee,
        general_ledger.kind,
        general_ledger.asset,
        cast(
            sum(case accounts.class when 'revenue' then -general_ledger.amount else general_ledger.amount end) as numeric(38, 18)
        ) as amount,
        count(*) as postings
    from general_ledger
    inner join accounts
        on
            general_ledger.tenant = accounts.tenant
            and general_ledger.account = accounts.account
    where
        general_ledger.class in ('revenue', 'expenses')
        and general_ledger.kind <> 'closing'
        and accounts.line in (
            'trading_commission', 'withdrawal_fees', 'fx_spread', 'marketplace', 'psp_fees', 'bank_fees', 'network_fees', 'disputes'
        )
    group by 1, 2, 3, 4, 5, 6
)

select * from final
