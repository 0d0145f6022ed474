{{ config(indexes=[{"columns": ["tenant", "month"]}]) }}

with

translated as (
    select * from {{ ref("int_translated_entries") }}
),

accounts as (
    select * from {{ ref("accounts") }}
),

final as (
    select
        translated.tenant,
        translated.month,
        accounts.section,
        accounts.line,
        accounts.label,
        accounts.position,
        translated.currency,
        -sum(translated.reported_before_closing) as amount
    from translated
    inner join accounts
        on
            translated.tenant = accounts.tenant
            and translated.account = accounts.account
    where translated.class in ('revenue', 'expenses')
    group by 1, 2, 3, 4, 5, 6, 7
)

select * from final
