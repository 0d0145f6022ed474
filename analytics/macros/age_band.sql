{#- Bands of an ageing list, in days. -#}
{% macro age_band(days) -%}
    case
        when {{ days }} <= 7 then '0-7'
        when {{ days }} <= 30 then '8-30'
        when {{ days }} <= 60 then '31-60'
        when {{ days }} <= 90 then '61-90'
        else 'over 90'
    end
{%- endmacro %}
