{#- Contracts compare names of types and not their precision, so a column may cut digits off in silence: it must not. -#}
{% test not_rounded(model, column_name, units, scale) %}
    select *
    from {{ model }}
    where {{ column_name }} * ('1e' || {{ scale }})::numeric <> {{ units }}
{% endtest %}
