-- What providers told us, first come first kept: bodies sealed with the master key, for nobody knows yet whose they are. The log only
-- learns that there is one. And the sandbox, which stands for a provider outside: nothing in it is a fact of ours.

create table vault.inbox (
    provider text collate "C" not null,
    event text collate "C" not null,
    sealed bytea not null,
    received_at timestamptz not null,
    primary key (provider, event)
);
grant select, insert on vault.inbox to lastro_app;

create schema sandbox;

create table sandbox.objects (
    kind text collate "C" not null check (kind in ('payment', 'refund', 'dispute', 'payout')),
    id text collate "C" primary key,
    own_id text collate "C",
    fact json not null
);
create unique index objects_own_id on sandbox.objects (kind, own_id) where own_id is not null;

-- Messages on their way to us, sent again until they are answered.
create table sandbox.messages (
    number bigint generated always as identity primary key,
    object text collate "C" not null references sandbox.objects,
    sent_at timestamptz
);
create index messages_unsent on sandbox.messages (number) where sent_at is null;

grant usage on schema sandbox to lastro_app;
grant select, insert, update on sandbox.objects, sandbox.messages to lastro_app;
