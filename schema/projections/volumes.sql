-- Volume by account root and month: what was debited and credited below each root, per asset, in whole numbers of 10^-scale.
-- A month is that of the effective time, in UTC.
create table volumes (
    tenant text collate "C" not null,
    month text collate "C" not null check (month ~ '^[0-9]{4}-[0-9]{2}$'),
    root text collate "C" not null,
    asset text collate "C" not null,
    scale smallint not null,
    debited numeric not null,
    credited numeric not null,
    postings bigint not null
) with (fillfactor = 80);

-- Indexes
alter table volumes add primary key (tenant, month, root, asset);
