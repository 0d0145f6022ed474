-- Payouts of providers to our banks. Units are whole numbers of 10^-scale.
create table payouts (
    tenant text collate "C" not null,
    id text collate "C" not null,
    provider text collate "C" not null,
    bank text collate "C" not null,
    object text collate "C" not null,
    status text collate "C" not null,
    reason text,
    units numeric not null,
    scale smallint not null,
    asset text collate "C" not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    log_position bigint not null
) with (fillfactor = 70);

-- Indexes
alter table payouts add primary key (tenant, id);
create unique index payouts_log_position on payouts (tenant, log_position);
