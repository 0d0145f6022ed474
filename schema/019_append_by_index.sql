-- A shorter way into the log; it takes the place of the functions of 003_append.sql. What it checks and what it answers is the same.
-- What a caller sends is taken apart once and reached by index; events are numbered from the base of their stream and not by their
-- caller; and what every row had to satisfy by itself is checked once for the group. Why, with figures: docs/decisions/0011.

-- Rows come from log.append() alone, which cannot make them otherwise: numbers are counted up from what is there, the tenant's prefix
-- is checked with the group. As constraints they were read and compiled anew by every group.
alter table log.events
drop constraint events_originator_version_check,
drop constraint events_notification_id_check,
drop constraint events_check,
drop constraint events_check1;
alter table log.receipts
drop constraint receipts_number_check,
drop constraint receipts_check;

drop function log.append;
drop function log.check_group;
drop function log.versions_continue;
drop function log.fill_versions;
drop function log.first_unbalanced;
drop function log.first_uncleared;
drop function log.moved_streams;

-- The streams, of those read or written, that are not at their base version. An open stream has no base.
create function log.moved_streams(streams text[], versions bigint[]) returns text[]
language plpgsql as $$
begin
    return (
        select array_agg(streams[n])
        from generate_subscripts(streams, 1) as n
        where versions[n] <> coalesce((select max(originator_version) from log.events where originator_id = streams[n]), 0)
    );
end $$;

-- The versions with those of open streams filled in: nobody decides on them, so they never conflict. A stream that another command of
-- the group has read is none: whoever read it did not see what is written here.
create function log.with_open_streams(streams text[], versions bigint[]) returns bigint[]
language plpgsql as $$
begin
    if exists (
        select from generate_subscripts(streams, 1) as n
        where versions[n] is null
            and (split_part(streams[n], ':', 2) !~ '^book-(house|portfolio)-' or cardinality(array_positions(streams, streams[n])) > 1)
    ) then
        raise exception 'only books that nobody decides on are written without a base version' using errcode = 'check_violation';
    end if;
    return (
        select array_agg(
            coalesce(versions[n], (select max(originator_version) from log.events where originator_id = streams[n]), 0) order by n
        )
        from generate_subscripts(streams, 1) as n
    );
end $$;

-- The number of the first event that carries an entry which does not balance per asset within its realm, has fewer than two lines, or
-- has one that says nothing. Facts are names and states in turn: event n has facts[2n - 1] and facts[2n].
create function log.first_unbalanced(facts text[]) returns bigint
language plpgsql immutable as $$
begin
    return (
        select min(bad.n) from (
            select e.n
            from generate_series(1, cardinality(facts) / 2) as e (n)
            left join lateral json_to_recordset(facts[2 * e.n]::json #> '{entry,postings}')
                as p (account text, asset text, amount numeric) on true
            where starts_with(facts[2 * e.n - 1], 'ledger.entry_posted.')
            group by e.n, p.asset, case left(p.account, 5) when 'portf' then 2 when 'memo:' then 1 else 0 end
            having sum(p.amount) is distinct from 0 or count(*) < 2
                or not bool_and((p.account, p.asset) is not null and coalesce(p.amount, 0) <> 0)
        ) as bad
    );
end $$;

-- The number of the first append that leaves money in a clearing account.
create function log.first_uncleared(ends integer[], facts text[]) returns bigint
language plpgsql immutable as $$
begin
    return (
        select min(bad.c) from (
            select e.c
            from generate_subscripts(ends, 1) as e (c)
            cross join generate_series(coalesce(ends[e.c - 1], 0) + 1, ends[e.c]) as n
            cross join lateral json_to_recordset(facts[2 * n]::json #> '{entry,postings}')
                as p (account text, asset text, amount numeric)
            where starts_with(facts[2 * n - 1], 'ledger.entry_posted.') and starts_with(p.account, 'liabilities:clearing:')
            group by e.c, p.account, p.asset
            having sum(p.amount) <> 0
        ) as bad
    );
end $$;

-- What a correct caller never sends. A violation is our own bug, so it is an error and not an outcome. `asked` is how many texts the
-- commands have, `commands` and `events` are how many there are by each of their other columns.
create function log.check_group(
    asked integer, commands integer[], events integer[], ends integer[], facts text[], fact_list text
) returns void language plpgsql stable as $$
declare
    wrong bigint;
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'append() needs READ COMMITTED: it must see what was committed before it got the lock';
    end if;
    if asked <> 6 * cardinality(ends) or cardinality(ends) <> any (commands)
        or cardinality(facts) <> 2 * coalesce(ends[cardinality(ends)], 0) or coalesce(ends[cardinality(ends)], 0) <> any (events)
    then
        raise exception 'a column is not as long as the others' using errcode = 'check_violation';
    end if;
    wrong := log.first_unbalanced(facts);
    if wrong is not null then
        raise exception 'entry in event % does not balance', wrong using errcode = 'check_violation';
    end if;
    if position('"liabilities:clearing:' in fact_list) > 0 then
        wrong := log.first_uncleared(ends, facts);
        if wrong is not null then
            raise exception 'append % leaves a clearing account open', wrong using errcode = 'check_violation';
        end if;
    end if;
end $$;

-- Inserts the events of a checked group and returns how many there were; one that is not of its command's tenant is left out. Whatever
-- `ends` says too much has no stream or comes twice, and breaks a constraint.
create function log.insert_events(
    head bigint, receipt bigint, appended_at timestamptz, streams text[], versions bigint[],
    asked text[], command_ids uuid[], correlation_ids uuid[], causation_ids uuid[], ends integer[],
    facts text[], event_ids uuid[], event_streams integer[], out inserted bigint
) language plpgsql as $$
begin
    insert into log.events
    select streams[event_streams[n]],
        versions[event_streams[n]] + row_number() over (partition by event_streams[n] order by n),
        facts[2 * n - 1], convert_to(facts[2 * n], 'UTF8'), head + n, event_ids[n], asked[6 * c - 5], asked[6 * c - 4],
        command_ids[c], correlation_ids[c], causation_ids[c], receipt + c, n - before, ends[c] - before, appended_at
    from generate_subscripts(ends, 1) as c
    cross join lateral coalesce(ends[c - 1], 0) as before
    cross join lateral generate_series(before + 1, ends[c]) as n
    where starts_with(streams[event_streams[n]], asked[6 * c - 5] || ':') is not false;
    get diagnostics inserted = row_count;
end $$;

-- Appends a group. What comes in three families: streams read or written (versions: their bases, null for one that is written
-- without), commands (ends: how many events there are up to and with theirs) and events (event_streams: the place of their stream).
-- Lists are texts joined by U+001E, which stands in none of them; commands have six (tenant, actor, key, input hash in hexadecimal
-- digits, name, answer in JSON), events two (name, state in JSON), one after the other.
-- outcome: 'appended' (everything is written: head and receipt are the last numbers *before* this group), 'receipts' (some commands
-- were done before: detail lists them), 'moved' (detail lists the streams), 'epoch' (the log lacks what the caller has seen of it).
-- Anything but 'appended' has written nothing. A group that was decided on top of one that is not committed yet says so by `after`, the
-- last command of that one: unless it is the last that was done, the group is 'moved', even if versions happen to agree.
create function log.append(
    seen_head bigint, after uuid, stream_list text, versions bigint[],
    command_list text, command_ids uuid[], correlation_ids uuid[], causation_ids uuid[], ends integer[],
    fact_list text, event_ids uuid[], event_streams integer[],
    out outcome text, out head bigint, out receipt bigint, out appended_at timestamptz, out detail text[]
) language plpgsql security definer
set search_path = pg_catalog, pg_temp set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
declare
    streams text[] := string_to_array(stream_list, e'\x1e');
    asked text[] := string_to_array(command_list, e'\x1e');
    facts text[] := string_to_array(fact_list, e'\x1e');
    follows boolean;
    inserted bigint;
begin
    perform log.check_group(
        cardinality(asked), array[cardinality(command_ids), cardinality(correlation_ids), cardinality(causation_ids)],
        array[cardinality(event_ids), cardinality(event_streams)], ends, facts, fact_list
    );
    lock table log.append_lock in exclusive mode;
    select last.number, last.recorded_at, after is null or after = last.command_id, (select max(notification_id) from log.events),
        (select array_agg(command_id) from log.receipts where command_id = any(command_ids))
    into receipt, appended_at, follows, head, detail
    from (select) as one
    left join lateral (select * from log.receipts order by number desc limit 1) as last on true;
    head := coalesce(head, 0); receipt := coalesce(receipt, 0);
    if head < seen_head then outcome := 'epoch'; return; end if;
    if detail is not null then outcome := 'receipts'; return; end if;
    if follows is not true then outcome := 'moved'; return; end if;
    detail := log.moved_streams(streams, versions);
    if detail is not null then
        outcome := case when log.knows_another_log(streams, versions) then 'epoch' else 'moved' end;
        return;
    end if;
    appended_at := greatest(clock_timestamp(), appended_at + interval '1 microsecond');
    if array_position(versions, null) is not null then versions := log.with_open_streams(streams, versions); end if;
    inserted := log.insert_events(
        head, receipt, appended_at, streams, versions, asked, command_ids, correlation_ids, causation_ids, ends,
        facts, event_ids, event_streams
    );
    if inserted <> cardinality(event_ids) then
        raise exception 'an event without a stream of its own tenant' using errcode = 'check_violation';
    end if;
    insert into log.receipts
    select receipt + c, command_ids[c], asked[6 * c - 5], asked[6 * c - 4], asked[6 * c - 3], decode(asked[6 * c - 2], 'hex'),
        asked[6 * c - 1], case when before < ends[c] then head + before + 1 end, case when before < ends[c] then head + ends[c] end,
        asked[6 * c]::json, appended_at
    from generate_subscripts(ends, 1) as c cross join lateral coalesce(ends[c - 1], 0) as before;
    perform pg_notify('lastro_log', (head + inserted)::text);
    outcome := 'appended';
end $$;

revoke all on all functions in schema log from public;
grant execute on function log.append_hold, log.append to lastro_app;
