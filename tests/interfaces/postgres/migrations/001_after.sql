-- Nobody changes the log, not even a superuser in replica mode.
set session_replication_role = replica;
do $$
declare
    attempt text;
begin
    foreach attempt in array array[
        'update log.events set tenant = tenant', 'delete from log.events', 'truncate log.events',
        'update log.receipts set tenant = tenant', 'delete from log.receipts', 'truncate log.receipts'
    ] loop
        begin
            execute attempt;
        exception when insufficient_privilege then continue;
        end;
        raise exception 'was not refused: %', attempt;
    end loop;
end $$;
