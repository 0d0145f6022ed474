-- Messages and proofs are their tenant's: without a tenant in the session the app role sees none.
do $$
begin
    if exists (
        select from pg_class as c inner join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname = 'vault' and c.relname in ('outbox', 'proofs') and not (c.relrowsecurity and c.relforcerowsecurity)
    ) then
        raise exception 'a table of people is open to every tenant';
    end if;
    if has_table_privilege('lastro_projector', 'vault.outbox', 'select') then
        raise exception 'the projector can read messages to people';
    end if;
end $$;
