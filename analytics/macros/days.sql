{#- A day is a UTC day, whatever the session's time zone. -#}
{% macro day_of(moment) -%}
    cast({{ moment }} at time zone 'UTC' as date)
{%- endmacro %}

{% macro month_of(day) -%}
    cast(date_trunc('month', cast({{ day }} as timestamp)) as date)
{%- endmacro %}

{% macro month_end(month) -%}
    cast({{ month }} + interval '1 month' - interval '1 day' as date)
{%- endmacro %}
