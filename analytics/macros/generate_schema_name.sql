{#- There is one schema, and it is ours: dbt's own rule would add its name to itself. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ target.schema }}
{%- endmacro %}
