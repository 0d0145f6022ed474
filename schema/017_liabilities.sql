-- Proof of liabilities: what a checkpoint was signed for of each tenant's tree, and the trees themselves (docs/liabilities.md).
-- Each tenant sees its own rows only. A tree can be made again from the log and the vault's key: its tiles may be deleted.

-- The follower looks for the last checkpoint with a tree.
create index checkpoints_of_liabilities on evidence.checkpoints (number) where note like E'%\nliabilities %';

-- "sums" are units by asset and scale; "path" are the neighbours in the tree of tenants that are not empty, by level;
-- "key" is the public part of the key that signed.
create table evidence.liabilities (
    tenant text collate "C" not null,
    checkpoint bigint not null references evidence.checkpoints,
    log_position bigint not null check (log_position > 0),
    users bigint not null check (users > 0),
    root bytea not null check (octet_length(root) = 32),
    sums json not null,
    path json not null,
    key text collate "C" not null,
    primary key (tenant, checkpoint)
);

-- 256 leaves each, in the order of the hashes of their nonces; the nonces themselves are nowhere.
create table evidence.liability_tiles (
    tenant text collate "C" not null,
    checkpoint bigint not null,
    tile bigint not null check (tile >= 0),
    first_place bytea not null check (octet_length(first_place) = 32),
    leaves json not null,
    hash bytea not null check (octet_length(hash) = 32),
    sums json not null,
    primary key (tenant, checkpoint, tile),
    foreign key (tenant, checkpoint) references evidence.liabilities
);

create trigger append_only before update or delete or truncate on evidence.liabilities
for each statement execute function log.refuse_change();
alter table evidence.liabilities enable always trigger append_only;

do $$
declare
    name text;
begin
    foreach name in array array['liabilities', 'liability_tiles'] loop
        execute format('alter table evidence.%I enable row level security', name);
        execute format('alter table evidence.%I force row level security', name);
        execute format(
            'create policy of_tenant on evidence.%I using (tenant = nullif(current_setting(''app.tenant'', true), ''''))', name
        );
    end loop;
end $$;

grant select, insert on evidence.liabilities to lastro_app;
grant select, insert, delete on evidence.liability_tiles to lastro_app;
grant select on evidence.liabilities, evidence.liability_tiles to lastro_projector;
