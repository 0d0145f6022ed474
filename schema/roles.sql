-- The roles of the cluster and their rights on this database. Runs before every migration, so each statement may run again.
-- A managed server may have made the roles already, with passwords: what exists is left as it is.
--   lastro_app        the API and the workers; reads under row-level security, writes through log.append() and to the vault
--   lastro_projector  the projection runner; passes row-level security, because COPY and forced policies exclude each other
--   lastro_finance    dbt; reads the log and the read models of all tenants, and writes to schema finance only

do $$
begin
    if not exists (select from pg_roles where rolname = 'lastro_app') then
        create role lastro_app login nosuperuser nocreatedb nocreaterole nobypassrls noinherit;
    end if;
exception when duplicate_object or unique_violation then null; -- another database of this cluster was quicker
end $$;

do $$
begin
    if not exists (select from pg_roles where rolname = 'lastro_projector') then
        create role lastro_projector login nosuperuser nocreatedb nocreaterole bypassrls noinherit;
    end if;
exception when duplicate_object or unique_violation then null;
end $$;

do $$
begin
    if not exists (select from pg_roles where rolname = 'lastro_finance') then
        create role lastro_finance login nosuperuser nocreatedb nocreaterole bypassrls noinherit;
    end if;
exception when duplicate_object or unique_violation then null;
end $$;

-- Right names, wrong powers: an API that may pass row-level security shows one tenant another's books.
do $$
begin
    if exists (select from pg_roles where rolname = 'lastro_app' and (rolsuper or rolbypassrls)) then
        raise exception 'role lastro_app must have neither SUPERUSER nor BYPASSRLS'
            using hint = 'alter role lastro_app nosuperuser nobypassrls';
    end if;
    if exists (select from pg_roles where rolname = 'lastro_projector' and (rolsuper or not rolbypassrls)) then
        raise exception 'role lastro_projector must have BYPASSRLS and not SUPERUSER'
            using hint = 'alter role lastro_projector nosuperuser bypassrls';
    end if;
    if exists (select from pg_roles where rolname = 'lastro_finance' and (rolsuper or not rolbypassrls)) then
        raise exception 'role lastro_finance must have BYPASSRLS and not SUPERUSER'
            using hint = 'alter role lastro_finance nosuperuser bypassrls';
    end if;
end $$;

-- Each generation of a projection is a schema of its own, made by its runner. A database made from a template has lost this grant.
do $$
begin
    if not has_database_privilege('lastro_projector', current_database(), 'create') then
        execute format('grant create on database %I to lastro_projector', current_database());
    end if;
end $$;
