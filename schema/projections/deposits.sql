-- Deposits and where each has stood. Amounts are whole numbers of 10^-scale of an asset; "settled" and "fee" are of the asset that the
-- provider books in, which may be another; "returned" is what has gone back to the payer, or is about to.
create table deposits (
    tenant text collate "C" not null,
    id text collate "C" not null,
    user_id text collate "C" not null,
    provider text collate "C" not null,
    payment text collate "C",
    status text collate "C" not null,
    reason text,
    units numeric not null,
    scale smallint not null,
    asset text collate "C" not null,
    returned numeric not null,
    settled_units numeric,
    fee_units numeric,
    settled_scale smallint,
    settled_asset text collate "C",
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    log_position bigint not null
) with (fillfactor = 70);

create table deposit_history (
    tenant text collate "C" not null,
    log_position bigint not null,
    deposit text collate "C" not null,
    status text collate "C" not null,
    reason text,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null
);

-- Indexes
alter table deposits add primary key (tenant, id);
create unique index deposits_log_position on deposits (tenant, log_position);
create index deposits_user on deposits (tenant, user_id, log_position);
create index deposits_waiting on deposits (occurred_at) where status in ('requested', 'pending', 'pending_provider');
alter table deposit_history add primary key (tenant, log_position);
create index deposit_history_deposit on deposit_history (tenant, deposit, log_position);
