-- What was signed of a tree is never changed; a tenant sees its own trees only, and they are no fact: they may go.
do $$
begin
    if has_table_privilege('lastro_app', 'evidence.liabilities', 'update, delete, truncate')
        or has_table_privilege('lastro_app', 'evidence.liability_tiles', 'update, truncate')
        or has_table_privilege('lastro_projector', 'evidence.liabilities', 'insert, update, delete, truncate')
        or has_table_privilege('lastro_projector', 'evidence.liability_tiles', 'insert, update, delete, truncate')
    then
        raise exception 'evidence can be changed';
    end if;
    if exists (
        select from pg_class where relname in ('liabilities', 'liability_tiles') and relnamespace = 'evidence'::regnamespace
        and not (relrowsecurity and relforcerowsecurity)
    ) then
        raise exception 'a tenant sees the trees of others';
    end if;
    insert into evidence.checkpoints values (1, 0, 0, '', '', 'a note');
    perform set_config('app.tenant', 'acme', true);
    insert into evidence.liabilities values ('acme', 1, 1, 1, sha256(''), '{}', '{}', 'a key');
    begin
        delete from evidence.liabilities;
    exception when insufficient_privilege then return;
    end;
    raise exception 'what was signed was deleted, by the owner';
end $$;
