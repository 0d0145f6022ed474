{#- What counts: nothing behind the log position that all models stand for, which `lastro finance build` writes down. -#}
{% macro known(column="log_position") -%}
    {{ column }} <= (select log_position from {{ source("build", "cut") }})
{%- endmacro %}

{#- Only what came after the rows that are there already. The cursor is the log position, never a time. It is asked for
    beforehand: a number tells the planner that little is new, a subquery does not. -#}
{% macro is_new(column="log_position") -%}
    {% if is_incremental() and execute %}
        {{- column }} > {{ run_query("select coalesce(max(log_position), 0) from " ~ this).columns[0].values()[0] }}
    {%- else %}true{% endif %}
{%- endmacro %}
