-- Fills, each once. Quantities are units of 10^-18; "cost" is the quote value without fee, a rebate is a negative fee.
create table fills (
    tenant text collate "C" not null,
    log_position bigint not null,
    order_id text collate "C" not null,
    connection text collate "C" not null,
    instrument text collate "C" not null,
    strategy text collate "C",
    side text collate "C" not null,
    trade_id text collate "C" not null,
    quantity numeric not null,
    price numeric not null,
    cost numeric not null,
    fee numeric not null,
    fee_asset text collate "C" not null,
    liquidity text collate "C" not null,
    standing text collate "C" not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null
);

-- Indexes
alter table fills add primary key (tenant, log_position);
create index fills_order on fills (tenant, order_id, log_position);
create index fills_connection on fills (tenant, connection, log_position);
