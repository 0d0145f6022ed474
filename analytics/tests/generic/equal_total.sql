{#- Two models say the same of every group, and neither has a group that the other lacks. -#}
{% test equal_total(model, per, expression, compare_to, compare_expression, where="true", compare_where="true", compare_per=none) %}
    with

    here as (
        select
            {{ per | join(", ") }},
            sum({{ expression }}) as total
        from {{ model }}
        where {{ where }}
        group by {{ per | join(", ") }}
    ),

    there as (
        select
            {{ named(compare_per or per, per) }},
            sum({{ compare_expression }}) as total
        from {{ compare_to }}
        where {{ compare_where }}
        group by {{ (compare_per or per) | join(", ") }}
    )

    select
        {{ per | join(", ") }},
        here.total as total_here,
        there.total as total_there
    from here
    full outer join there using ({{ per | join(", ") }})
    where coalesce(here.total, 0) <> coalesce(there.total, 0)
{% endtest %}
