-- Disputes of deposits. Units are whole numbers of 10^-scale.
create table disputes (
    tenant text collate "C" not null,
    id text collate "C" not null,
    deposit text collate "C" not null,
    user_id text collate "C" not null,
    provider text collate "C" not null,
    object text collate "C" not null,
    status text collate "C" not null,
    reason text not null,
    units numeric not null,
    scale smallint not null,
    asset text collate "C" not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    log_position bigint not null
) with (fillfactor = 70);

-- Indexes
alter table disputes add primary key (tenant, id);
create unique index disputes_log_position on disputes (tenant, log_position);
create index disputes_user on disputes (tenant, user_id, log_position);
