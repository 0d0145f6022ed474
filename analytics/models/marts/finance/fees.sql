{{ config(indexes=[{"columns": ["tenant", "day"]}]) }}

with

movements as (
    select * from {{ ref("int_daily_movements") }}
),

accounts as (
    select * from {{ ref("accounts") }}
),

final as (
    select
        movements.tenant,
        movements.day,
        case accounts.class when 'revenue' then 'earned' else 'borne' end as direction,
        accounts.line as fee,
        movements.kind,
        movements.asset,
        cast(
            sum((movements.debits - movements.credits) * case accounts.class when 'revenue' then -1 else 1 end) as numeric(38, 18)
        ) as amount,
        cast(sum(movements.postings) as bigint) as postings
    from movements
    inner join accounts
        on
            movements.tenant = accounts.tenant
            and movements.account = accounts.account
    where
        movements.class in ('revenue', 'expenses')
        and movements.kind <> 'closing'
        and accounts.line in (
            'trading_commission', 'withdrawal_fees', 'fx_spread', 'marketplace', 'psp_fees', 'bank_fees', 'network_fees', 'disputes'
        )
    group by 1, 2, 3, 4, 5, 6
)

select * from final
