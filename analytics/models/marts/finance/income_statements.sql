{{ config(indexes=[{"columns": ["tenant", "month"]}]) }}

{#- What adds to the result is positive, what takes from it negative, so that every subtotal is a plain sum. Closing
    entries are no income. -#}

with

movements as (
    select * from {{ ref("int_daily_movements") }}
),

accounts as (
    select * from {{ ref("accounts") }}
),

calendar as (
    select * from {{ ref("calendar") }}
),

earned as (
    select
        movements.tenant,
        {{ month_of("movements.day") }} as month,
        accounts.section,
        accounts.line,
        accounts.label,
        accounts.position,
        movements.asset,
        sum(movements.credits - movements.debits) as amount
    from movements
    inner join accounts
        on
            movements.tenant = accounts.tenant
            and movements.account = accounts.account
    where movements.class in ('revenue', 'expenses') and movements.kind <> 'closing'
    group by 1, 2, 3, 4, 5, 6, 7
),

final as (
    select
        earned.tenant,
        earned.month,
        calendar.fiscal_year,
        calendar.fiscal_quarter,
        earned.section,
        earned.line,
        earned.label,
        earned.position,
        earned.asset,
        cast(earned.amount as numeric(38, 18)) as amount
    from earned
    left join calendar on earned.month = calendar.month
)

select * from final
