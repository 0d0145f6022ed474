-- The one way into the log. log.append() writes a group of commands' events and receipts, or nothing; see docs/decisions/0002.
-- It fixes the planner settings for itself and for what it calls: plans are made while the tables are still empty, and must be right
-- when they are not.

-- Takes the lock that log.append() takes, for a caller that must decide while nobody else can append.
create function log.append_hold() returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform set_config('idle_in_transaction_session_timeout', '5s', true);
    lock table log.append_lock in exclusive mode;
    return coalesce((select max(notification_id) from log.events), 0);
end $$;

-- The streams, of those read or written, that are not at their base version.
create function log.moved_streams(streams text[], versions bigint[]) returns text[]
language plpgsql as $$
begin
    return (
        select array_agg(base.stream)
        from unnest(streams, versions) as base (stream, version)
        cross join lateral (
            select coalesce(max(originator_version), 0) as version from log.events where originator_id = base.stream
        ) as head
        where head.version <> base.version
    );
end $$;

-- Whether a base version was never reached: its caller knows another log than this one.
create function log.knows_another_log(streams text[], versions bigint[]) returns boolean
language plpgsql as $$
begin
    return exists (
        select
        from unnest(streams, versions) as base (stream, version)
        left join log.events as e on e.originator_id = base.stream and e.originator_version = base.version
        where base.version > 0 and e.originator_id is null
    );
end $$;

-- The index of the first event that carries an entry which does not balance per asset within its realm, has fewer than two lines, or
-- has one that says nothing.
create function log.first_unbalanced(topics text[], states bytea[]) returns bigint
language plpgsql immutable as $$
begin
    return (
        select min(bad.n) from (
            select e.n
            from unnest(topics, states) with ordinality as e (topic, state, n)
            left join lateral json_to_recordset(convert_from(e.state, 'UTF8')::json #> '{entry,postings}')
                as p (account text, asset text, amount numeric) on true
            where starts_with(e.topic, 'ledger.entry_posted.')
            group by e.n, p.asset, case left(p.account, 5) when 'portf' then 2 when 'memo:' then 1 else 0 end
            having sum(p.amount) is distinct from 0 or count(*) < 2
                or not bool_and((p.account, p.asset) is not null and coalesce(p.amount, 0) <> 0)
        ) as bad
    );
end $$;

-- The index of the first append that leaves money in a clearing account.
create function log.first_uncleared(sizes integer[], topics text[], states bytea[]) returns bigint
language plpgsql immutable as $$
begin
    return (
        select min(bad.n) from (
            select c.n
            from (
                select n, sum(size) over (order by n) as upto, size
                from unnest(sizes) with ordinality as given (size, n)
            ) as c
            inner join unnest(topics, states) with ordinality as e (topic, state, n)
                on e.n > c.upto - c.size and e.n <= c.upto and starts_with(e.topic, 'ledger.entry_posted.')
            cross join lateral json_to_recordset(convert_from(e.state, 'UTF8')::json #> '{entry,postings}')
                as p (account text, asset text, amount numeric)
            where starts_with(p.account, 'liabilities:clearing:')
            group by c.n, p.account, p.asset
            having sum(p.amount) <> 0
        ) as bad
    );
end $$;

-- Whether every versioned stream that is written is among the base versions and goes on from there without a gap.
create function log.versions_continue(streams text[], versions bigint[], event_streams text[], event_versions bigint[])
returns boolean language plpgsql immutable as $$
begin
    return not exists (
        select
        from unnest(event_streams, event_versions) as e (stream, version)
        left join unnest(streams, versions) as base (stream, version) on base.stream = e.stream
        where e.version is not null
        group by e.stream, base.version
        having base.version is null or min(e.version) <> base.version + 1 or max(e.version) <> base.version + count(*)
    );
end $$;

-- Fills in the versions of streams that are written without a base version: nobody decides on them, so they never conflict.
create function log.fill_versions(event_streams text[], event_versions bigint[]) returns bigint[]
language plpgsql as $$
begin
    return (
        select array_agg(coalesce(e.version, head.version + e.k) order by e.n)
        from (
            select stream, version, n, row_number() over (partition by stream order by n) as k
            from unnest(event_streams, event_versions) with ordinality as given (stream, version, n)
        ) as e
        cross join lateral (
            select coalesce(max(originator_version), 0) as version from log.events where originator_id = e.stream
        ) as head
    );
end $$;

-- What a correct caller never sends. A violation is our own bug, so it is an error and not an outcome.
create function log.check_group(
    command_ids uuid[], sizes integer[], streams text[], versions bigint[],
    event_streams text[], event_versions bigint[], topics text[], states bytea[]
) returns void language plpgsql stable as $$
declare
    wrong bigint;
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'append() needs READ COMMITTED: it must see what was committed before it got the lock';
    end if;
    if (select coalesce(sum(size), 0) <> cardinality(states) or min(size) < 0 from unnest(sizes) as size)
        or cardinality(sizes) <> cardinality(command_ids)
    then
        raise exception 'sizes do not add up to the number of events' using errcode = 'check_violation';
    end if;
    if exists (
        select from unnest(event_streams, event_versions) as e (stream, version)
        where e.version is null and (split_part(e.stream, ':', 2) !~ '^book-(house|portfolio)-' or e.stream = any(streams))
    ) then
        raise exception 'only books that nobody decides on are written without a base version' using errcode = 'check_violation';
    end if;
    if not log.versions_continue(streams, versions, event_streams, event_versions) then
        raise exception 'event versions do not continue their base versions' using errcode = 'check_violation';
    end if;
    wrong := log.first_unbalanced(topics, states);
    if wrong is not null then
        raise exception 'entry in event % does not balance', wrong using errcode = 'check_violation';
    end if;
    if exists (select from unnest(states) as state where position('"liabilities:clearing:'::bytea in state) > 0) then
        wrong := log.first_uncleared(sizes, topics, states);
        if wrong is not null then
            raise exception 'append % leaves a clearing account open', wrong using errcode = 'check_violation';
        end if;
    end if;
end $$;

-- Appends a group. Arrays come in three families of equal length: one element per stream read or written (streams, versions: the base),
-- one per command (command_ids … sizes: its number of events) and one per event (event_ids … states: JSON in UTF-8), in their order.
-- outcome: 'appended' (everything is written: head and receipt are the last numbers *before* this group), 'receipts' (some commands
-- were done before: detail lists them), 'moved' (detail lists the streams), 'epoch' (the log lacks what the caller has seen of it).
-- Anything but 'appended' has written nothing.
create function log.append(
    seen_head bigint, streams text[], versions bigint[],
    command_ids uuid[], tenants text[], actors text[], keys text[], input_hashes text[], names text[], answers text[],
    correlation_ids uuid[], causation_ids uuid[], sizes integer[],
    event_ids uuid[], event_streams text[], event_versions bigint[], topics text[], states bytea[],
    out outcome text, out head bigint, out receipt bigint, out appended_at timestamptz, out detail text[]
) language plpgsql security definer
set search_path = pg_catalog, pg_temp set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
begin
    perform log.check_group(command_ids, sizes, streams, versions, event_streams, event_versions, topics, states);
    lock table log.append_lock in exclusive mode;
    head := coalesce((select max(notification_id) from log.events), 0);
    receipt := coalesce((select max(number) from log.receipts), 0);
    if head < seen_head then outcome := 'epoch'; return; end if;
    detail := (select array_agg(command_id) from log.receipts where command_id = any(command_ids));
    if detail is not null then outcome := 'receipts'; return; end if;
    detail := log.moved_streams(streams, versions);
    if detail is not null then
        outcome := case when log.knows_another_log(streams, versions) then 'epoch' else 'moved' end;
        return;
    end if;
    appended_at := greatest(clock_timestamp(),
        (select recorded_at + interval '1 microsecond' from log.receipts where number = receipt));
    if array_position(event_versions, null) is not null then
        event_versions := log.fill_versions(event_streams, event_versions);
    end if;
    insert into log.events
    select e.stream, e.version, e.topic, e.state, head + e.n, e.id, c.tenant, c.actor,
        c.id, c.correlation, c.causation, receipt + c.n, i, c.size, appended_at
    from (
        select *, sum(u.size) over (order by u.n) - u.size as before
        from unnest(command_ids, tenants, actors, correlation_ids, causation_ids, sizes)
            with ordinality as u (id, tenant, actor, correlation, causation, size, n)
    ) as c
    cross join lateral generate_series(1, c.size) as i
    inner join unnest(event_ids, event_streams, event_versions, topics, states)
        with ordinality as e (id, stream, version, topic, state, n) on e.n = c.before + i;
    insert into log.receipts
    select receipt + c.n, c.id, c.tenant, c.actor, c.key, decode(c.input_hash, 'hex'), c.name,
        case when c.size > 0 then head + sum(c.size) over upto - c.size + 1 end,
        case when c.size > 0 then head + sum(c.size) over upto end, c.answer::json, appended_at
    from unnest(command_ids, tenants, actors, keys, input_hashes, names, answers, sizes)
        with ordinality as c (id, tenant, actor, key, input_hash, name, answer, size, n)
    window upto as (order by c.n);
    perform pg_notify('lastro_log', (head + cardinality(event_ids))::text);
    outcome := 'appended';
end $$;

revoke all on all functions in schema log from public;
grant execute on function log.append_hold, log.append to lastro_app;
