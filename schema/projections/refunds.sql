-- Refunds of deposits. Units are whole numbers of 10^-scale.
create table refunds (
    tenant text collate "C" not null,
    id text collate "C" not null,
    deposit text collate "C" not null,
    user_id text collate "C" not null,
    provider text collate "C" not null,
    status text collate "C" not null,
    reason text,
    units numeric not null,
    scale smallint not null,
    asset text collate "C" not null,
    requested_by text collate "C" not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    log_position bigint not null
) with (fillfactor = 70);

-- Indexes
alter table refunds add primary key (tenant, id);
create unique index refunds_log_position on refunds (tenant, log_position);
create index refunds_user on refunds (tenant, user_id, log_position);
create index refunds_deposit on refunds (tenant, deposit, log_position);
create index refunds_waiting on refunds (occurred_at) where status in ('requested', 'pending', 'pending_provider');
