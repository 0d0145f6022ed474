-- append() runs with the rights of its owner, and the app role has no other way into the log.
do $$
declare
    taken bigint := log.append_hold();
begin
    if taken <> 0 then
        raise exception 'a new log ends at 0, not at %', taken;
    end if;
    if not exists (select from pg_proc where oid = 'log.append'::regproc and prosecdef) then
        raise exception 'append() must run with the rights of its owner';
    end if;
    if has_table_privilege('lastro_app', 'log.events', 'insert, update, delete, truncate')
        or has_table_privilege('lastro_app', 'log.receipts', 'insert, update, delete, truncate') then
        raise exception 'the app role can write to the log by itself';
    end if;
end $$;
