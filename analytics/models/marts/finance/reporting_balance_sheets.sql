{{ config(indexes=[{"columns": ["tenant", "month_end"]}]) }}

{#- Monetary items and the open currency position stand at the closing rate, everything else at the rate of its entry. What
    that leaves between the two sides is the translation line: computed, never posted. -#}

with

balance_sheets as (
    select * from {{ ref("balance_sheets") }}
),

chart_of_accounts as (
    select * from {{ ref("chart_of_accounts") }}
),

months as (
    select * from {{ ref("int_months") }}
),

translated as (
    select * from {{ ref("int_translated_entries") }}
),

accounts as (
    select * from {{ ref("accounts") }}
),

rates as (
    select * from {{ ref("int_rates") }}
),

closing_rates as (
    select
        months.tenant,
        months.month,
        months.month_end,
        rates.asset,
        rates.currency,
        rates.rate
    from months
    inner join rates
        on
            months.tenant = rates.tenant
            and rates.valid_from < (months.month_end + 1)::timestamp at time zone 'UTC'
            and rates.valid_to >= (months.month_end + 1)::timestamp at time zone 'UTC'
),

monetary as (
    select
        balance_sheets.tenant,
        balance_sheets.month,
        balance_sheets.month_end,
        balance_sheets.section,
        balance_sheets.line,
        balance_sheets.label,
        balance_sheets.position,
        closing_rates.currency,
        sum(balance_sheets.amount * closing_rates.rate) as amount
    from balance_sheets
    left join chart_of_accounts
        on
            balance_sheets.line = chart_of_accounts.line
            and balance_sheets.section = chart_of_accounts.section
    inner join closing_rates
        on
            balance_sheets.tenant = closing_rates.tenant
            and balance_sheets.month = closing_rates.month
            and balance_sheets.asset = closing_rates.asset
    where
        balance_sheets.line = 'owed_to_providers'
        or (balance_sheets.line <> 'open_result' and chart_of_accounts.is_monetary)
    group by
        balance_sheets.tenant, balance_sheets.month, balance_sheets.month_end, balance_sheets.section, balance_sheets.line,
        balance_sheets.label, balance_sheets.position, closing_rates.currency
),

historical as (
    select
        months.tenant,
        months.month,
        months.month_end,
        case when translated.class in ('revenue', 'expenses') then 'equity' else accounts.section end as section,
        case when translated.class in ('revenue', 'expenses') then 'open_result' else accounts.line end as line,
        case when translated.class in ('revenue', 'expenses') then 'Result not closed yet' else accounts.label end as label,
        case when translated.class in ('revenue', 'expenses') then 245 else accounts.position end as position,
        translated.currency,
        -sum(translated.reported) as amount
    from months
    inner join translated on months.tenant = translated.tenant and months.month >= translated.month
    inner join accounts
        on
            translated.tenant = accounts.tenant
            and translated.account = accounts.account
    group by
        months.tenant, months.month, months.month_end, translated.currency,
        case when translated.class in ('revenue', 'expenses') then 'equity' else accounts.section end,
        case when translated.class in ('revenue', 'expenses') then 'open_result' else accounts.line end,
        case when translated.class in ('revenue', 'expenses') then 'Result not closed yet' else accounts.label end,
        case when translated.class in ('revenue', 'expenses') then 245 else accounts.position end
),

lines as (
    select * from monetary
    union all
    select * from historical
),

translation as (
    select
        tenant,
        month,
        month_end,
        'equity' as section,
        'translation' as line,
        'Translation difference' as label,
        295 as position,
        currency,
        sum(case section when 'assets' then amount else -amount end) as amount
    from lines
    group by tenant, month, month_end, currency
),

final as (
    select
        tenant,
        month,
        month_end,
        section,
        line,
        label,
        position,
        currency,
        amount
    from lines
    union all
    select
        tenant,
        month,
        month_end,
        section,
        line,
        label,
        position,
        currency,
        amount
    from translation
)

select * from final
