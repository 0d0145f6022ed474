{{ config(indexes=[{"columns": ["tenant", "account"], "unique": true}]) }}

with

balances_daily as (
    select * from {{ ref("balances_daily") }}
),

chart_of_accounts as (
    select * from {{ ref("chart_of_accounts") }}
),

known as (
    select
        tenant,
        account,
        max(class) as class,
        max(realm) as realm,
        min(day) as first_day
    from balances_daily
    group by tenant, account
),

final as (
    select
        known.tenant,
        known.account,
        known.class,
        known.realm,
        lines.section,
        lines.line,
        lines.label,
        lines.position,
        lines.is_monetary,
        lines.cash,
        lines.money_of,
        case
            when known.account like 'liabilities:users:%' or known.account like 'memo:users:%' then split_part(known.account, ':', 3)
            when known.account like 'liabilities:withdrawals:payable:%' then split_part(known.account, ':', 4)
            when known.account like 'assets:receivable:users:%' then split_part(known.account, ':', 4)
        end as user_id,
        known.first_day
    from known
    cross join lateral (
        select chart_of_accounts.*
        from chart_of_accounts
        where starts_with(known.account, chart_of_accounts.prefix)
        order by length(chart_of_accounts.prefix) desc
        limit 1
    ) as lines
)

select * from final
