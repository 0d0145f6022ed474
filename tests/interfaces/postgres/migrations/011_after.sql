insert into worker.reports (kind, name, state, log_position, error, reported_at)
values ('policy', 'waits', 'running', 1, 'log position 2: no answer', now());

do $$
begin
    assert (select count(*) from worker.reports) = 3, 'what was reported before is there';
    begin
        insert into worker.reports (kind, name, state, log_position, reported_at) values ('policy', 'silent', 'stopped', 1, now());
        assert false, 'a part stopped and did not say why';
    exception when check_violation then null;
    end;
end $$;
