-- Transfers between users. Units are whole numbers of 10^-scale.
create table transfers (
    tenant text collate "C" not null,
    id text collate "C" not null,
    sender text collate "C" not null,
    recipient text collate "C" not null,
    units numeric not null,
    scale smallint not null,
    asset text collate "C" not null,
    note text not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    log_position bigint not null
);

-- Indexes
alter table transfers add primary key (tenant, id);
create index transfers_sender on transfers (tenant, sender, log_position);
create index transfers_recipient on transfers (tenant, recipient, log_position);
create unique index transfers_log_position on transfers (tenant, log_position);
