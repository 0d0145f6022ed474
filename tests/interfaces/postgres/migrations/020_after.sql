-- A verification is a job of no models, models are looked after in no range, and all of them are one at a time.
do $$
begin
    begin
        insert into projection.jobs (id, tenant, asked_by, act) values (repeat('3', 32), 'main', repeat('1', 32), 'compare');
        raise exception 'work on no model';
    exception when not_null_violation or check_violation then null;
    end;
    begin
        insert into projection.jobs (id, tenant, asked_by, act, models, first)
        values (repeat('3', 32), 'main', repeat('1', 32), 'compare', '{accounts}', 5);
        raise exception 'a model is compared in a range';
    exception when check_violation then null;
    end;
    begin
        insert into projection.jobs (id, tenant, asked_by, act, models, first, last)
        values (repeat('3', 32), 'main', repeat('1', 32), 'verify', '{}', 5, 4);
        raise exception 'a range ends before it begins';
    exception when check_violation then null;
    end;
    insert into projection.jobs (id, tenant, asked_by, act, models, first, last)
    values (repeat('3', 32), 'main', repeat('1', 32), 'verify', '{}', 5, 9);
    begin
        insert into projection.jobs (id, tenant, asked_by, act, models)
        values (repeat('4', 32), 'acme', repeat('1', 32), 'rebuild', '{accounts}');
    exception when unique_violation then return;
    end;
    raise exception 'a rebuild beside a verification';
end $$;
