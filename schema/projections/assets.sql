-- Assets and their scales in the three realms. They belong to tenant `system` and every tenant sees them.
create table assets (
    tenant text collate "C" not null,
    code text collate "C" not null,
    company_scale smallint not null,
    memo_scale smallint not null,
    portfolio_scale smallint not null,
    log_position bigint not null
);
create policy of_tenant_or_system on assets using (tenant in (nullif(current_setting('app.tenant', true), ''), 'system'));

-- Indexes
alter table assets add primary key (tenant, code);
