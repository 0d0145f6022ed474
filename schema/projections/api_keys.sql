-- API keys: whose, for what, and where they stand in time. What proves them, their names and networks are in the vault. A key that
-- has ended stays, so that its user sees what was there.
create table api_keys (
    tenant text collate "C" not null,
    id text collate "C" not null,
    user_id text collate "C" not null,
    kind text collate "C" not null,
    scopes text[] not null,
    made_by text collate "C" not null,
    has_addresses boolean not null,
    replaces text collate "C",
    successor text collate "C",
    created_at timestamptz not null,
    usable_until timestamptz,
    revoked_at timestamptz,
    revoked_by text collate "C",
    log_position bigint not null
);

-- Indexes
alter table api_keys add primary key (tenant, id);
create index api_keys_log_position on api_keys (tenant, log_position);
create index api_keys_user on api_keys (tenant, user_id, log_position);
