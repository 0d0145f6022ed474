{#- Row-level security as every table of Lastro has it: a request sees its own tenant and, without one, nothing. A view shows
    whoever asks what its tables would. -#}
{% macro protect_tenants() %}
    {% if config.get("materialized") == "view" %}
        alter view {{ this }} set (security_invoker = true)
    {% else %}
        do $$
        begin
            if not (select c.relrowsecurity from pg_class as c where c.oid = '{{ this }}'::regclass) then
                alter table {{ this }} enable row level security;
                alter table {{ this }} force row level security;
                create policy of_tenant on {{ this }} using (tenant = nullif(current_setting('app.tenant', true), ''));
            end if;
        end $$
    {% endif %}
{% endmacro %}
