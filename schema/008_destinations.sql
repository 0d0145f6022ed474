-- Destinations of withdrawals: account numbers, keys and addresses, sealed with the key of the person they belong to. Erasing the
-- person makes them unreadable. Written before the append of "stream" under the derived id; without its first event one is swept.

create table vault.destinations (
    tenant text collate "C" not null,
    destination text collate "C" not null check (destination ~ '^[0-9a-f]{32}$'),
    subject text collate "C" not null,
    stream text collate "C" not null check (starts_with(stream, tenant || ':')),
    sealed bytea not null,
    touched_at timestamptz not null,
    primary key (tenant, destination),
    foreign key (tenant, subject) references vault.subjects
);
create index destinations_subject on vault.destinations (tenant, subject);

alter table vault.destinations enable row level security;
alter table vault.destinations force row level security;
create policy of_tenant on vault.destinations using (tenant = nullif(current_setting('app.tenant', true), ''));
grant select, insert, update, delete on vault.destinations to lastro_app;
