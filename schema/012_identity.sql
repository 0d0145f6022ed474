-- What people prove themselves with beside a password: one-time codes, each step good once; backup codes, as keyed hashes; accounts at
-- other providers, by a keyed hash of their id there. And the post: when a message is tried next, and how it ended.

create table vault.second_factors (
    tenant text collate "C" not null,
    subject text collate "C" not null,
    sealed bytea not null,
    made_at timestamptz not null,
    confirmed_at timestamptz,
    last_step bigint not null default 0,
    primary key (tenant, subject),
    foreign key (tenant, subject) references vault.subjects
);

create table vault.backup_codes (
    tenant text collate "C" not null,
    subject text collate "C" not null,
    hash text collate "C" not null check (hash ~ '^[0-9a-f]{32}$'),
    used_at timestamptz,
    primary key (tenant, subject, hash),
    foreign key (tenant, subject) references vault.subjects
);

create table vault.identities (
    tenant text collate "C" not null,
    provider text collate "C" not null check (provider ~ '^[a-z]{1,20}$'),
    lookup text collate "C" not null check (lookup ~ '^[0-9a-f]{32}$'),
    subject text collate "C" not null,
    linked_at timestamptz not null,
    primary key (tenant, provider, lookup),
    foreign key (tenant, subject) references vault.subjects
);
create index identities_subject on vault.identities (tenant, subject);

-- A login at a provider that is under way: what must come back with the browser, as hashes, and what only we may know, sealed.
create table vault.provider_logins (
    tenant text collate "C" not null,
    state_hash bytea not null,
    flow_hash bytea not null,
    provider text collate "C" not null,
    sealed bytea not null,
    expires_at timestamptz not null,
    asked_at timestamptz,
    subject text collate "C",
    ended_at timestamptz,
    primary key (tenant, state_hash),
    foreign key (tenant, subject) references vault.subjects
);
create index provider_logins_expires_at on vault.provider_logins (tenant, expires_at);
create index provider_logins_subject on vault.provider_logins (tenant, subject) where subject is not null;

alter table vault.outbox
add column attempts integer not null default 0 check (attempts >= 0),
add column due_at timestamptz,
add column refused_at timestamptz,
add column refusal text,
add check (sent_at is null or refused_at is null),
add check ((refused_at is null) = (refusal is null));
create index outbox_due_at on vault.outbox (coalesce(due_at, created_at)) where sent_at is null and refused_at is null;

-- The postman asks once for all tenants what waits; what it says is sealed with the person's own key.
create policy waiting on vault.outbox for select using (
    current_setting('app.tenant', true) = 'system' and sent_at is null and refused_at is null
);

do $$
declare
    name text;
begin
    foreach name in array array['second_factors', 'backup_codes', 'identities', 'provider_logins'] loop
        execute format('alter table vault.%I enable row level security', name);
        execute format('alter table vault.%I force row level security', name);
        execute format(
            'create policy of_tenant on vault.%I using (tenant = nullif(current_setting(''app.tenant'', true), ''''))', name
        );
        execute format('grant select, insert, update, delete on vault.%I to lastro_app', name);
    end loop;
end $$;
