insert into worker.reports (kind, name, state, log_position, error, reported_at) values
    ('policy', 'runs', 'running', 1, null, now()), ('policy', 'stopped', 'stopped', 1, 'why', now());
