-- Looking after read models while they are read, and after a log that was restored.

-- Work on generations of read models that an administrator asked for over HTTP; a worker does it, one at a time (docs/decisions/0028).
create table projection.jobs (
    id text collate "C" primary key check (id ~ '^[0-9a-f]{32}$'),
    tenant text collate "C" not null,
    asked_by text collate "C" not null,
    act text collate "C" not null check (act in ('rebuild', 'compare', 'switch', 'rollback', 'drop')),
    models text[] collate "C" not null check (cardinality(models) > 0),
    state text collate "C" not null default 'waiting' check (state in ('waiting', 'running', 'done', 'refused', 'failed')),
    log_position bigint not null default 0 check (log_position >= 0),
    goal bigint not null default 0 check (goal >= 0),
    answer jsonb not null default '{}',
    asked_at timestamptz not null default clock_timestamp(),
    started_at timestamptz,
    ended_at timestamptz,
    check ((started_at is null) = (state = 'waiting')),
    check ((ended_at is null) = (state in ('waiting', 'running')))
);
create unique index jobs_one_at_a_time on projection.jobs ((true)) where state in ('waiting', 'running');

alter table projection.jobs enable row level security;
alter table projection.jobs force row level security;
create policy of_tenant on projection.jobs using (tenant = nullif(current_setting('app.tenant', true), ''));
grant select, insert on projection.jobs to lastro_app;
grant select, update on projection.jobs to lastro_projector;

-- What a dropped generation last said of itself is forgotten.
grant delete on worker.reports to lastro_projector;

-- A log that was restored goes on from an earlier moment: an epoch. Until an operator has confirmed it, nothing that follows the log
-- does anything (docs/decisions/0029). Whoever notices may begin one; only the schema's owner confirms.
create table log.epochs (
    number bigint generated always as identity primary key,
    log_position bigint not null check (log_position >= 0),
    reason text collate "C" not null check (length(reason) between 1 and 400),
    begun_at timestamptz not null default clock_timestamp(),
    begun_by text collate "C" not null,
    confirmed_at timestamptz,
    confirmed_by text collate "C",
    check ((confirmed_at is null) = (confirmed_by is null))
);
create unique index epochs_unconfirmed on log.epochs ((true)) where confirmed_at is null;
grant select on log.epochs to lastro_app, lastro_projector;
grant insert on log.epochs to lastro_app;
