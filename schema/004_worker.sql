-- What the worker keeps beside the log: generations of read models with their cursors, policies' cursors, and reports.
-- Read models themselves are made by the projection runner from schema/projections/, one PostgreSQL schema per generation.

create schema projection;

-- One build of a read model; its rows are in schema <name>_g<number>. "epoch" is raised by whoever takes the lease, and the cursor
-- moves only with the epoch and the position that its mover knows, so a runner that lost its lease can write nothing.
create table projection.generations (
    name text collate "C" not null check (name ~ '^[a-z_]{1,40}$'),
    number integer not null check (number > 0),
    role text collate "C" not null check (role in ('building', 'live', 'retired')),
    definition text collate "C" not null,
    log_position bigint not null default 0 check (log_position >= 0),
    epoch bigint not null default 0,
    primary key (name, number)
) with (fillfactor = 50);
create unique index generations_live on projection.generations (name) where role = 'live';

-- Moves a cursor and tells whoever waits for it. False: another runner has moved it, or has taken the lease.
create function projection.advance(
    of_name text, of_number integer, of_epoch bigint, from_log_position bigint, to_log_position bigint
) returns boolean language plpgsql set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
begin
    update projection.generations set log_position = to_log_position
    where name = of_name and number = of_number and log_position = from_log_position and epoch = of_epoch;
    if not found then return false; end if;
    perform pg_notify('lastro_projections', of_name);
    return true;
end $$;

create table log.policy_cursors (
    name text collate "C" primary key check (name ~ '^[a-z_]{1,40}$'),
    log_position bigint not null check (log_position >= 0)
);

-- What each part of a worker says of itself, at least once a second: health and metrics read it. Silence is a finding too.
create schema worker;
create table worker.reports (
    kind text collate "C" not null check (kind in ('projection', 'policy', 'role')),
    name text collate "C" not null,
    state text collate "C" not null check (state in ('running', 'stopped')),
    log_position bigint not null,
    lag_ms integer not null default 0,
    error text,
    reported_at timestamptz not null,
    primary key (kind, name),
    check ((state = 'stopped') = (error is not null))
) with (fillfactor = 50);

grant usage on schema projection, worker to lastro_app, lastro_projector;
grant select on projection.generations, worker.reports to lastro_app;
grant select, insert, update, delete on projection.generations to lastro_projector;
grant select, insert, update on worker.reports to lastro_app, lastro_projector;
grant select, insert, update on log.policy_cursors to lastro_app;
grant create on schema read to lastro_projector;
