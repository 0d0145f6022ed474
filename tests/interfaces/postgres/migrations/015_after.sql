-- One job at a time; an epoch is begun by whoever notices and confirmed by the owner alone.
do $$
begin
    if has_table_privilege('lastro_app', 'projection.jobs', 'update, delete, truncate')
        or has_table_privilege('lastro_app', 'log.epochs', 'update, delete, truncate')
        or has_table_privilege('lastro_projector', 'log.epochs', 'insert, update, delete, truncate')
        or not has_table_privilege('lastro_projector', 'worker.reports', 'delete')
    then
        raise exception 'the wrong roles may look after read models';
    end if;
    insert into log.epochs (log_position, reason, begun_by) values (3, 'restored', 'test');
    begin
        insert into log.epochs (log_position, reason, begun_by) values (3, 'restored', 'test');
        raise exception 'two epochs wait for confirmation';
    exception when unique_violation then null;
    end;
    insert into projection.jobs (id, tenant, asked_by, act, models)
    values (repeat('0', 32), 'main', repeat('1', 32), 'rebuild', '{accounts}');
    begin
        insert into projection.jobs (id, tenant, asked_by, act, models)
        values (repeat('2', 32), 'acme', repeat('1', 32), 'drop', '{accounts}');
    exception when unique_violation then return;
    end;
    raise exception 'two jobs at once';
end $$;
