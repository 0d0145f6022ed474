{#- What counts: nothing behind the log position that all models stand for, which `lastro finance build` writes down. -#}
{% macro known(column="log_position") -%}
    {{ column }} <= (select log_position from {{ source("build", "cut") }})
{%- endmacro %}

{#- Only what came after the rows that are there already. The cursor is the log position, never a time. -#}
{% macro is_new(column="log_position") -%}
    {% if is_incremental() %}{{ column }} > (select coalesce(max(built.log_position), 0) from {{ this }} as built){% else %}true{% endif %}
{%- endmacro %}
