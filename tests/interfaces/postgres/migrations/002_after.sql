-- Every table of the vault that knows tenants shows each tenant its own rows, to its owner too; the projector sees nothing.
do $$
declare
    found text;
begin
    select string_agg(c.relname, ', ') into found
    from pg_class as c
    inner join pg_attribute as a on a.attrelid = c.oid and a.attname = 'tenant'
    where c.relnamespace = 'vault'::regnamespace and c.relkind = 'r'
        and not (c.relrowsecurity and c.relforcerowsecurity);
    if found is not null then
        raise exception 'without row-level security: %', found;
    end if;
    if has_schema_privilege('lastro_projector', 'vault', 'usage') then
        raise exception 'the projector can look into the vault';
    end if;
end $$;
