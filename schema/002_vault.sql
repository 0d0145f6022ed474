-- The vault: the second, non-derivable truth. Personal data and credentials, sealed with a key per subject; sessions; signing keys.
-- It is written before the log under the derived id, is never replayed, and forgets a person when the subject's key is deleted.
-- Ids are 32 lower-case hexadecimal digits. What is "sealed" is a version byte, a nonce and AES-256-GCM (docs/decisions/0005).

create schema vault;

-- Which master key everything here is sealed with, so that another one is refused and never half used.
create table vault.master_key (
    only_row boolean primary key default true check (only_row),
    fingerprint text not null
);

-- "stream" is the one whose first event makes the subject a fact; a subject without it is an orphan and is swept.
create table vault.subjects (
    tenant text collate "C" not null,
    subject text collate "C" not null check (subject ~ '^[0-9a-f]{32}$'),
    stream text collate "C" not null check (starts_with(stream, tenant || ':')),
    sealed_key bytea,
    email_lookup text collate "C",
    touched_at timestamptz not null,
    erased_at timestamptz,
    primary key (tenant, subject),
    check ((sealed_key is null) = (erased_at is not null)),
    check (erased_at is null or email_lookup is null)
);
-- Not unique: until the log has decided, two subjects may claim one address, and only one of them becomes a user.
create index subjects_email_lookup on vault.subjects (tenant, email_lookup) where email_lookup is not null;

create table vault.records (
    tenant text collate "C" not null,
    subject text collate "C" not null,
    name text collate "C" not null check (name ~ '^[a-z_]{1,40}$'),
    version integer not null check (version > 0),
    sealed bytea not null,
    primary key (tenant, subject, name),
    foreign key (tenant, subject) references vault.subjects
);

create table vault.credentials (
    tenant text collate "C" not null,
    subject text collate "C" not null,
    name text collate "C" not null check (name ~ '^[a-z_]{1,40}$'),
    version integer not null check (version > 0),
    sealed bytea not null,
    primary key (tenant, subject, name),
    foreign key (tenant, subject) references vault.subjects
);

-- One row per login ("family"), however often its refresh token is rotated: only hashes of the newest token and its predecessor.
create table vault.sessions (
    tenant text collate "C" not null,
    family text collate "C" not null check (family ~ '^[0-9a-f]{32}$'),
    subject text collate "C" not null,
    current_hash bytea not null,
    previous_hash bytea,
    rotated_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    ended_because text check (ended_because in ('closed', 'reused')),
    primary key (tenant, family),
    foreign key (tenant, subject) references vault.subjects,
    check ((ended_at is null) = (ended_because is null))
);
create index sessions_subject on vault.sessions (tenant, subject);
create index sessions_expires_at on vault.sessions (tenant, expires_at);

-- A pair is a keyed hash of e-mail and address; every admitted attempt counts as failed until the login succeeds.
create table vault.login_attempts (
    tenant text collate "C" not null,
    pair text collate "C" not null,
    attempted_at timestamptz[] not null,
    locked_until timestamptz,
    touched_at timestamptz not null,
    primary key (tenant, pair)
);
create index login_attempts_touched_at on vault.login_attempts (tenant, touched_at);

-- Keys of the installation, of no tenant: what signs access tokens.
create table vault.signing_keys (
    id text collate "C" primary key check (id ~ '^[0-9a-f]{32}$'),
    purpose text collate "C" not null unique,
    sealed bytea not null,
    created_at timestamptz not null
);

do $$
declare
    name text;
begin
    foreach name in array array['subjects', 'records', 'credentials', 'sessions', 'login_attempts'] loop
        execute format('alter table vault.%I enable row level security', name);
        execute format('alter table vault.%I force row level security', name);
        execute format(
            'create policy of_tenant on vault.%I using (tenant = nullif(current_setting(''app.tenant'', true), ''''))', name
        );
        execute format('grant select, insert, update, delete on vault.%I to lastro_app', name);
    end loop;
end $$;

-- Whether a subject is an orphan is asked of the log.
grant usage on schema vault, log to lastro_app;
grant select on log.events to lastro_app;
grant select, insert on vault.master_key, vault.signing_keys to lastro_app;
