{#- An amount from whole smallest units, exactly: a product of numerics has all its digits, a quotient has not. -#}
{% macro amount_of(units, scale) -%}
    cast({{ units }} * ('1e-' || {{ scale }})::numeric as numeric(38, 18))
{%- endmacro %}

{#- The value of an event's money field, {"value": "1.00", "asset": "USD"}. -#}
{% macro money(fact, field) -%}
    cast({{ fact }} -> '{{ field }}' ->> 'value' as numeric(38, 18))
{%- endmacro %}

{% macro asset_of(fact, field) -%}
    {{ fact }} -> '{{ field }}' ->> 'asset'
{%- endmacro %}
