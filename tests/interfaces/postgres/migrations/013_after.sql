-- Each tenant sees its own keys, the projector none, and none stays whose person is unknown.
do $$
begin
    if not (select relrowsecurity and relforcerowsecurity from pg_class where oid = 'vault.api_keys'::regclass) then
        raise exception 'keys without row-level security';
    end if;
    if has_table_privilege('lastro_projector', 'vault.api_keys', 'select') then
        raise exception 'the projector can read keys';
    end if;
    begin
        perform set_config('app.tenant', 'acme', true);
        insert into vault.api_keys (tenant, key, subject, stream, sealed, touched_at)
        values ('acme', repeat('d', 32), repeat('a', 32), 'acme:api_key-' || repeat('d', 32), '', now());
    exception when foreign_key_violation then return;
    end;
    raise exception 'a key of nobody';
end $$;
