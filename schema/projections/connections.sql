-- Connections to venues, with what a paper connection began with, in units of 10^-start_scale.
create table connections (
    tenant text collate "C" not null,
    id text collate "C" not null,
    user_id text collate "C" not null,
    venue text collate "C" not null,
    market text collate "C" not null,
    start_units numeric not null,
    start_scale smallint not null,
    start_asset text collate "C" not null,
    occurred_at timestamptz not null,
    log_position bigint not null
);

-- Indexes
alter table connections add primary key (tenant, id);
create unique index connections_log_position on connections (tenant, log_position);
create index connections_user on connections (tenant, user_id, log_position);
