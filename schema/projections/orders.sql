-- Orders and what was filled of them. Quantities are units of 10^-18 (the scale of every asset in portfolios): "quantity" and "filled"
-- of the base, "quote_amount" and "cost" of the quote. Fees are kept per asset, with their sign: a rebate is negative.
create table orders (
    tenant text collate "C" not null,
    id text collate "C" not null,
    user_id text collate "C" not null,
    connection text collate "C" not null,
    instrument text collate "C" not null,
    strategy text collate "C",
    side text collate "C" not null,
    type text collate "C" not null,
    quantity numeric,
    quote_amount numeric,
    status text collate "C" not null,
    uncertain boolean not null,
    reason text,
    venue_order text collate "C",
    filled numeric not null,
    cost numeric not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    log_position bigint not null
) with (fillfactor = 70);

create table order_fees (
    tenant text collate "C" not null,
    order_id text collate "C" not null,
    asset text collate "C" not null,
    units numeric not null
);

-- Indexes
alter table orders add primary key (tenant, id);
create unique index orders_log_position on orders (tenant, log_position);
create index orders_user on orders (tenant, user_id, log_position);
create index orders_connection on orders (tenant, connection, log_position);
alter table order_fees add primary key (tenant, order_id, asset);
