-- Only the projector moves cursors of read models, and each read model has one live generation.
do $$
begin
    if has_table_privilege('lastro_app', 'projection.generations', 'insert, update, delete, truncate') then
        raise exception 'the app role can move a cursor';
    end if;
    if has_schema_privilege('lastro_app', 'read', 'create') then
        raise exception 'the app role can make views that others read';
    end if;
    insert into projection.generations (name, number, role, definition) values ('balances', 1, 'live', '');
    begin
        insert into projection.generations (name, number, role, definition) values ('balances', 2, 'live', '');
    exception when unique_violation then return;
    end;
    raise exception 'two generations are live';
end $$;
