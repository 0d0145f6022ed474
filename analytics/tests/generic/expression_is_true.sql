{#- A rule that holds for every row. What is neither true nor false is a finding too. -#}
{% test expression_is_true(model, expression) %}
    select *
    from {{ model }}
    where ({{ expression }}) is not true
{% endtest %}
