-- What proves API keys: public keys and secrets, with the names and networks their owners gave them, sealed with the key of the
-- person they belong to. Erasing the person ends them. Written before the append of "stream" under the derived id; without its first
-- event one is swept. When a key was used last is known to a few minutes, decides nothing, and so is no fact.

create table vault.api_keys (
    tenant text collate "C" not null,
    key text collate "C" not null check (key ~ '^[0-9a-f]{32}$'),
    subject text collate "C" not null,
    stream text collate "C" not null check (starts_with(stream, tenant || ':')),
    sealed bytea not null,
    touched_at timestamptz not null,
    last_used_at timestamptz,
    primary key (tenant, key),
    foreign key (tenant, subject) references vault.subjects
);
create index api_keys_subject on vault.api_keys (tenant, subject);

alter table vault.api_keys enable row level security;
alter table vault.api_keys force row level security;
create policy of_tenant on vault.api_keys using (tenant = nullif(current_setting('app.tenant', true), ''));
grant select, insert, update, delete on vault.api_keys to lastro_app;
