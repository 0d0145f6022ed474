{#- A roll-forward: what a row opens with is what the row before closed with, the first opens with nothing, and opening
    with the movement is closing. -#}
{% test rolls_forward(model, key, ordered_by, movement="debits - credits") %}
    with

    rolled as (
        select
            *,
            lag(closing, 1, 0::numeric) over (partition by {{ key | join(", ") }} order by {{ ordered_by }}) as closed_before
        from {{ model }}
    )

    select *
    from rolled
    where opening <> closed_before or opening + {{ movement }} <> closing
{% endtest %}
