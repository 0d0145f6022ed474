-- Destinations of withdrawals: whose, of which kind and from when on. What they are is in the vault. A removed one stays, for the
-- withdrawals that name it.
create table destinations (
    tenant text collate "C" not null,
    id text collate "C" not null,
    user_id text collate "C" not null,
    kind text collate "C" not null,
    asset text collate "C" not null,
    added_at timestamptz not null,
    usable_from timestamptz not null,
    removed boolean not null,
    log_position bigint not null
);

-- Indexes
alter table destinations add primary key (tenant, id);
create index destinations_user on destinations (tenant, user_id, log_position);
