{#- The translation line is a difference. It must also be what each entry's own rate differs from the closing rate, summed over
    everything that is not monetary: reckoned here from the entries, without the balance sheet. -#}
{% test translation_is_explained(model) %}
    with

    translated as (
        select * from {{ ref("int_translated_entries") }}
    ),

    months as (
        select * from {{ ref("int_months") }}
    ),

    rates as (
        select * from {{ ref("int_rates") }}
    ),

    explained as (
        select
            months.tenant,
            months.month,
            sum(translated.reported - translated.amount * rates.rate) as amount
        from months
        inner join translated on months.tenant = translated.tenant and months.month >= translated.month
        inner join rates
            on
                months.tenant = rates.tenant
                and translated.asset = rates.asset
                and rates.valid_from < (months.month_end + 1)::timestamp at time zone 'UTC'
                and rates.valid_to >= (months.month_end + 1)::timestamp at time zone 'UTC'
        group by months.tenant, months.month
    ),

    shown as (
        select
            tenant,
            month,
            amount
        from {{ model }}
        where line = 'translation'
    )

    select
        tenant,
        month,
        shown.amount as shown_amount,
        explained.amount as explained_amount
    from shown
    full outer join explained using (tenant, month)
    where coalesce(shown.amount, 0) <> coalesce(explained.amount, 0)
{% endtest %}
