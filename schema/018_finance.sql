-- The finance queries: dbt makes their tables in schema finance, as a role of its own that changes nothing else. What people's requests
-- may read of them is granted by dbt, table by table, each with its tenant's policy.

create schema finance;

-- One row for each build whose models are complete: which log position they stand for, and what the checks found.
create table finance.builds (
    number bigint generated always as identity primary key,
    log_position bigint not null check (log_position >= 0),
    known_at timestamptz,
    is_full boolean not null,
    started_at timestamptz not null,
    finished_at timestamptz not null,
    tests integer,
    failures integer,
    check ((tests is null) = (failures is null)),
    check (finished_at >= started_at)
);

-- The log position that all models stand for: what is behind it is not read, however far the read models are by then.
create table finance.cut (
    is_only boolean primary key default true check (is_only),
    log_position bigint not null check (log_position >= 0)
);
insert into finance.cut (log_position) values (0);

grant usage on schema log, read, projection, finance to lastro_finance;
grant create on schema finance to lastro_finance;
grant select on log.events, log.receipts, projection.generations to lastro_finance;
grant select, insert on finance.builds to lastro_finance;
grant select, update on finance.cut to lastro_finance;
grant usage on schema finance to lastro_app;
grant select on finance.builds to lastro_app;
