-- What needs two people: proposed by one, decided by another. "subject" is the id of what it is about.
create table proposals (
    tenant text collate "C" not null,
    id text collate "C" not null,
    act text collate "C" not null,
    subject text collate "C" not null,
    proposed_by text collate "C" not null,
    proposed_at timestamptz not null,
    expires_at timestamptz not null,
    status text collate "C" not null,
    decided_by text collate "C",
    decided_at timestamptz,
    reason text,
    log_position bigint not null
);

-- Indexes
alter table proposals add primary key (tenant, id);
create unique index proposals_log_position on proposals (tenant, log_position);
create index proposals_status on proposals (tenant, status, log_position);
