-- Each tenant sees its own destinations, the projector none, and none stays whose person is unknown.
do $$
begin
    if not (select relrowsecurity and relforcerowsecurity from pg_class where oid = 'vault.destinations'::regclass) then
        raise exception 'destinations without row-level security';
    end if;
    if has_table_privilege('lastro_projector', 'vault.destinations', 'select') then
        raise exception 'the projector can read destinations';
    end if;
    begin
        perform set_config('app.tenant', 'acme', true);
        insert into vault.destinations (tenant, destination, subject, stream, sealed, touched_at)
        values ('acme', repeat('d', 32), repeat('a', 32), 'acme:destination-' || repeat('d', 32), '', now());
    exception when foreign_key_violation then return;
    end;
    raise exception 'a destination of nobody';
end $$;
