{#- Expressions under the names of others, for a list of columns. -#}
{% macro named(expressions, names) -%}
    {%- for expression in expressions %}{{ expression }} as {{ names[loop.index0] }}{% if not loop.last %}, {% endif %}{% endfor -%}
{%- endmacro %}
