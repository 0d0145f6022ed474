-- Positions by connection, instrument and strategy (`none` for none), in units of 10^-18: quantity of the base, cost and realised of the
-- quote. Realised is gross; what was charged beside it is kept apart, per kind of charge and asset.
create table positions (
    tenant text collate "C" not null,
    connection text collate "C" not null,
    instrument text collate "C" not null,
    strategy text collate "C" not null,
    quantity numeric not null,
    cost numeric not null,
    realised numeric not null
) with (fillfactor = 80);

create table position_charges (
    tenant text collate "C" not null,
    connection text collate "C" not null,
    instrument text collate "C" not null,
    strategy text collate "C" not null,
    charge text collate "C" not null,
    asset text collate "C" not null,
    units numeric not null
) with (fillfactor = 80);

-- Indexes
alter table positions add primary key (tenant, connection, instrument, strategy);
alter table position_charges add primary key (tenant, connection, instrument, strategy, charge, asset);
