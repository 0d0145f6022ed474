-- What an auditor asks for over HTTP is done as what an administrator asks of read models: a row, one at a time, by a worker.

-- How far a job is, of its goal: log positions of a rebuild, pieces of work of a verification.
alter table projection.jobs rename column log_position to reached;
alter table projection.jobs rename constraint jobs_log_position_check to jobs_reached_check;

-- A verification is of a range of the log and of no models; an open end has no last position.
alter table projection.jobs
drop constraint jobs_act_check,
drop constraint jobs_models_check,
add column number bigint generated always as identity,
add column first bigint not null default 1 check (first >= 1),
add column last bigint check (last >= first),
add constraint jobs_act_check check (act in ('rebuild', 'compare', 'switch', 'rollback', 'drop', 'verify')),
add constraint jobs_models_check check ((act = 'verify') = (cardinality(models) = 0)),
add constraint jobs_range_check check (act = 'verify' or (first = 1 and last is null));

create unique index jobs_of_tenant on projection.jobs (tenant, number);
