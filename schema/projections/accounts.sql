-- Balances now: one row per account and asset, since its first posting. Units are whole numbers of 10^-scale, debit positive.
-- Everything but the sum follows from the account's path and the asset.
create table balances (
    tenant text collate "C" not null,
    account text collate "C" not null,
    asset text collate "C" not null,
    scale smallint not null,
    realm text collate "C" not null,
    class text collate "C" not null,
    normal_side text collate "C" not null,
    units numeric not null
) with (fillfactor = 80);

-- Indexes
alter table balances add primary key (tenant, account, asset);
