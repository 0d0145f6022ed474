-- Users: a subject of the vault, a status and roles. Nothing personal.
create table users (
    tenant text collate "C" not null,
    id text collate "C" not null,
    subject text collate "C" not null,
    status text collate "C" not null,
    roles text[] collate "C" not null,
    email_verified boolean not null,
    second_factor boolean not null,
    log_position bigint not null,
    registered_at timestamptz not null
);

-- Indexes
alter table users add primary key (tenant, id);
create unique index users_log_position on users (tenant, log_position);
create index users_status on users (tenant, status, log_position);
