-- append() runs with the rights of its owner, and what it is made of is nobody else's to call.
do $$
declare
    callable text[] := (
        select array_agg(p.proname::text order by p.proname)
        from pg_proc as p
        where p.pronamespace = 'log'::regnamespace and has_function_privilege('lastro_app', p.oid, 'execute')
    );
begin
    if not exists (select from pg_proc where oid = 'log.append'::regproc and prosecdef) then
        raise exception 'append() must run with the rights of its owner';
    end if;
    if callable <> array['append', 'append_hold'] then
        raise exception 'the app role can call %', callable;
    end if;
    if to_regproc('log.insert_events') is not null then
        raise exception 'two functions insert events';
    end if;
end $$;
