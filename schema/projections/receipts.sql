-- Money at our banks of which nobody knew whose it was; "user_id" once somebody found out. Units are whole numbers of 10^-scale.
create table receipts (
    tenant text collate "C" not null,
    id text collate "C" not null,
    bank text collate "C" not null,
    line text collate "C" not null,
    user_id text collate "C",
    units numeric not null,
    scale smallint not null,
    asset text collate "C" not null,
    recorded_by text collate "C" not null,
    identified_by text collate "C",
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    log_position bigint not null
) with (fillfactor = 70);

-- Indexes
alter table receipts add primary key (tenant, id);
create unique index receipts_log_position on receipts (tenant, log_position);
create index receipts_unidentified on receipts (tenant, log_position) where user_id is null;
