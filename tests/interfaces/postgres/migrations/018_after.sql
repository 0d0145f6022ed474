-- The finance role reads everything and writes nothing but its own schema; people's requests only read there.
do $$
begin
    if has_table_privilege('lastro_finance', 'log.events', 'insert, update, delete, truncate')
        or has_schema_privilege('lastro_finance', 'vault', 'usage')
        or has_schema_privilege('lastro_finance', 'read', 'create')
    then
        raise exception 'the finance role can do more than read';
    end if;
    if has_schema_privilege('lastro_app', 'finance', 'create')
        or has_table_privilege('lastro_app', 'finance.builds', 'insert, update, delete, truncate')
    then
        raise exception 'the app role can write to the finance schema';
    end if;
    insert into finance.builds (log_position, is_full, started_at, finished_at, tests, failures)
    values (1, true, now(), now(), 1, 0);
    begin
        insert into finance.builds (log_position, is_full, started_at, finished_at, tests) values (2, true, now(), now(), 1);
    exception when check_violation then return;
    end;
    raise exception 'a build counts tests without saying how many failed';
end $$;
