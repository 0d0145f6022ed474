-- Withdrawals and where each stands. Amounts are whole numbers of the asset's smallest unit; "scale" is the asset's. "net" is what
-- the user gets: the amount less tax and fee. "payout_file" is the file for the bank that it is in. "waits_for" is null once nothing is
-- to be done.
create table withdrawals (
    tenant text collate "C" not null,
    id text collate "C" not null,
    user_id text collate "C" not null,
    destination text collate "C" not null,
    rail text collate "C" not null,
    bucket text collate "C" not null,
    asset text collate "C" not null,
    scale smallint not null,
    amount numeric not null,
    fee numeric not null,
    withheld numeric not null,
    net numeric not null,
    needs_second_person boolean not null,
    status text collate "C" not null,
    waits_for text collate "C",
    reason text,
    payout_file text collate "C",
    bank_reference text,
    requested_at timestamptz not null,
    changed_at timestamptz not null,
    log_position bigint not null
) with (fillfactor = 70);

-- What happened to a withdrawal, and who did it.
create table withdrawal_steps (
    tenant text collate "C" not null,
    log_position bigint not null,
    withdrawal_id text collate "C" not null,
    status text collate "C" not null,
    actor text collate "C" not null,
    occurred_at timestamptz not null
);

-- Files for the bank, with their control totals.
create table payout_files (
    tenant text collate "C" not null,
    log_position bigint not null,
    id text collate "C" not null,
    payments integer not null,
    asset text collate "C" not null,
    scale smallint not null,
    total numeric not null,
    made_by text collate "C" not null,
    made_at timestamptz not null
);

-- Indexes
alter table withdrawals add primary key (tenant, id);
create unique index withdrawals_log_position on withdrawals (tenant, log_position);
create index withdrawals_user on withdrawals (tenant, user_id, log_position);
create index withdrawals_queue on withdrawals (tenant, waits_for, log_position) where waits_for is not null;
alter table withdrawal_steps add primary key (tenant, log_position);
alter table payout_files add primary key (tenant, log_position);
create index withdrawal_steps_withdrawal on withdrawal_steps (tenant, withdrawal_id, log_position);
