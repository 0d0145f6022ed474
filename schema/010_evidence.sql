-- Tamper evidence: hashes of every event and receipt, in tiles of 256 leaves, and what was signed of them (docs/decisions/0009).
-- Beside the log and not in its way: a follower writes it, nobody changes it, and the signing key lies outside the database.

create schema evidence;

create table evidence.tiles (
    tree text collate "C" not null check (tree in ('events', 'receipts')),
    tile bigint not null check (tile >= 0),
    leaves bytea not null check (octet_length(leaves) = 256 * 32),
    root bytea not null check (octet_length(root) = 32),
    chain bytea not null check (octet_length(chain) = 32),
    primary key (tree, tile)
);

-- "note" is the signed text; the tails are the leaves behind the last whole tile, so that each of them can be named too.
create table evidence.checkpoints (
    number bigint primary key check (number > 0),
    events bigint not null check (events >= 0),
    receipts bigint not null check (receipts >= 0),
    events_tail bytea not null check (octet_length(events_tail) = 32 * (events % 256)),
    receipts_tail bytea not null check (octet_length(receipts_tail) = 32 * (receipts % 256)),
    note text not null
);

create trigger append_only before update or delete or truncate on evidence.tiles
for each statement execute function log.refuse_change();
create trigger append_only before update or delete or truncate on evidence.checkpoints
for each statement execute function log.refuse_change();
alter table evidence.tiles enable always trigger append_only;
alter table evidence.checkpoints enable always trigger append_only;

grant usage on schema evidence to lastro_app, lastro_projector;
grant select, insert on evidence.tiles, evidence.checkpoints to lastro_app;
grant select on evidence.tiles, evidence.checkpoints to lastro_projector;
