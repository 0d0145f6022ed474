{#- Double entry: what is summed within each group is nothing, to the last unit. -#}
{% test sums_to_zero(model, column_name, per) %}
    select
        {{ per | join(", ") }},
        sum({{ column_name }}) as total
    from {{ model }}
    group by {{ per | join(", ") }}
    having sum({{ column_name }}) <> 0
{% endtest %}
