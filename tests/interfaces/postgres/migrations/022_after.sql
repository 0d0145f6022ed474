-- append() writes in no part of its transaction, there is one of it, and what it is made of is nobody else's to call.
do $$
begin
    if (select count(*) from pg_proc where pronamespace = 'log'::regnamespace and proname in ('append', 'what_moved')) <> 2 then
        raise exception 'a function of the log is there twice';
    end if;
    if pg_get_functiondef('log.append'::regproc) ~ 'exception\s+when' then
        raise exception 'append() handles an exception';
    end if;
    if has_function_privilege('lastro_app', 'log.what_moved(boolean, text[], bigint[])', 'execute') then
        raise exception 'the app role can call what append() is made of';
    end if;
end $$;
