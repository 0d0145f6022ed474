-- Quotes of exchanges between own wallets. Units are whole numbers of 10^-scale; all but what is sold are in the asset that is bought.
create table quotes (
    tenant text collate "C" not null,
    id text collate "C" not null,
    user_id text collate "C" not null,
    sold_units numeric not null,
    sold_scale smallint not null,
    sold_asset text collate "C" not null,
    gross_units numeric not null,
    spread_units numeric not null,
    tax_units numeric not null,
    net_units numeric not null,
    net_scale smallint not null,
    net_asset text collate "C" not null,
    price_units numeric not null,
    price_scale smallint not null,
    rate_of timestamptz not null,
    expires_at timestamptz not null,
    accepted_at timestamptz,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    log_position bigint not null
) with (fillfactor = 70);

-- Indexes
alter table quotes add primary key (tenant, id);
create index quotes_user on quotes (tenant, user_id, log_position);
create unique index quotes_log_position on quotes (tenant, log_position);
