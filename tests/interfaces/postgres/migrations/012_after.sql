-- Second factors, identities and logins under way are their tenant's; nobody but the app role can look in.
do $$
begin
    if 4 <> (
        select count(*) from pg_class as c inner join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname = 'vault' and c.relname in ('second_factors', 'backup_codes', 'identities', 'provider_logins')
            and c.relrowsecurity and c.relforcerowsecurity
    ) then
        raise exception 'a table of second factors or identities is open to every tenant';
    end if;
    if has_table_privilege('lastro_projector', 'vault.second_factors', 'select') then
        raise exception 'the projector can read second factors';
    end if;
    if exists (select from vault.outbox where attempts <> 0 or refused_at is not null) then
        raise exception 'a message of before was never tried';
    end if;
end $$;
