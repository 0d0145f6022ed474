-- Messages to people, sealed with their own key: the outbox is what an operator reads where nothing sends them on. And what a person
-- proves an address or asks for a new password with: a token's hash, good once and for a while.

create table vault.outbox (
    tenant text collate "C" not null,
    id text collate "C" not null check (id ~ '^[0-9a-f]{32}$'),
    subject text collate "C" not null,
    kind text collate "C" not null,
    sealed bytea not null,
    created_at timestamptz not null,
    sent_at timestamptz,
    primary key (tenant, id),
    foreign key (tenant, subject) references vault.subjects
);
create index outbox_created_at on vault.outbox (tenant, created_at);

create table vault.proofs (
    tenant text collate "C" not null,
    hash bytea not null,
    subject text collate "C" not null,
    purpose text collate "C" not null check (purpose in ('verify_email', 'reset_password')),
    expires_at timestamptz not null,
    used_at timestamptz,
    primary key (tenant, hash),
    foreign key (tenant, subject) references vault.subjects
);
create index proofs_subject on vault.proofs (tenant, subject);

do $$
declare
    name text;
begin
    foreach name in array array['outbox', 'proofs'] loop
        execute format('alter table vault.%I enable row level security', name);
        execute format('alter table vault.%I force row level security', name);
        execute format(
            'create policy of_tenant on vault.%I using (tenant = nullif(current_setting(''app.tenant'', true), ''''))', name
        );
        execute format('grant select, insert, update, delete on vault.%I to lastro_app', name);
    end loop;
end $$;
