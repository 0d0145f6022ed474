-- The log: the only truth. Events and receipts are written by log.append() and by nothing else, are never changed, and are numbered
-- without gaps. The table layout is that of the Python library `eventsourcing`; the columns after notification_id are the envelope.

create schema log;
create schema read;

-- The library's recorder asks for this composite type before it is built.
create type log.stored_event_text as (originator_id text, originator_version bigint, topic text, state bytea);

create table log.events (
    originator_id text collate "C" not null,
    originator_version bigint not null check (originator_version > 0),
    topic text collate "C" not null,
    state bytea not null,
    notification_id bigint not null check (notification_id > 0),
    event_id uuid not null,
    tenant text collate "C" not null check (starts_with(originator_id, tenant || ':')),
    actor text collate "C" not null,
    command_id uuid not null,
    correlation_id uuid not null,
    causation_id uuid,
    append_id bigint not null,
    append_index integer not null,
    append_size integer not null check (append_index between 1 and append_size),
    recorded_at timestamptz not null,
    primary key (originator_id, originator_version)
);
create unique index events_log_position on log.events (notification_id);
create unique index events_event_id on log.events (event_id);

create table log.receipts (
    number bigint primary key check (number > 0),
    command_id uuid not null unique,
    tenant text collate "C" not null,
    actor text collate "C" not null,
    key text collate "C" not null,
    input_hash bytea not null,
    name text collate "C" not null,
    first_log_position bigint,
    last_log_position bigint,
    answer json not null,
    recorded_at timestamptz not null,
    check ((first_log_position is null) = (last_log_position is null))
);

-- An empty table whose only use is its lock: locking the events themselves would stall behind autovacuum.
create table log.append_lock ();

-- Snapshots save work and prove nothing: a stream's state at a version, for one schema of states.
create table log.snapshots (
    stream text collate "C" not null,
    version bigint not null check (version > 0),
    schema_hash text collate "C" not null,
    state bytea not null,
    primary key (stream, version)
);

create function log.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the log is append-only: % of %.% is refused', tg_op, tg_table_schema, tg_table_name
        using errcode = 'insufficient_privilege';
end $$;

create trigger append_only before update or delete or truncate on log.events
for each statement execute function log.refuse_change();
create trigger append_only before update or delete or truncate on log.receipts
for each statement execute function log.refuse_change();
-- "always" holds in replica mode too, for a superuser as for anybody.
alter table log.events enable always trigger append_only;
alter table log.receipts enable always trigger append_only;

-- People read the log through this view only; it shows the tenant of the session's setting app.tenant and nothing without one.
create view read.events with (security_barrier) as
select
    originator_id as stream, originator_version as version, topic as type, state, notification_id as log_position,
    event_id, tenant, actor, command_id, correlation_id, causation_id, append_id, append_index, append_size, recorded_at
from log.events
where tenant = nullif(current_setting('app.tenant', true), '');

grant usage on schema log, read to lastro_app, lastro_projector;
grant select on log.events, log.receipts, log.snapshots to lastro_app, lastro_projector;
grant insert on log.snapshots to lastro_app;
grant select on read.events to lastro_app;
