-- The log is appended to first and asked afterwards. A group that names the last command of the log that it was decided on needs no look at
-- its streams while that still is the last one; and that a command was done before shows when its receipt is written a second time. What
-- `append()` takes, refuses and answers is otherwise that of 019_append_by_index.sql. Why, with figures: docs/decisions/0043.

drop function log.append;
drop function log.insert_events;

-- Those of these commands that were done before; null if none was.
create function log.done_before(command_ids uuid[]) returns text[]
language plpgsql as $$
begin
    return (select array_agg(command_id::text) from log.receipts where command_id = any(command_ids));
end $$;

-- Why a group that does not lie directly behind the command it names is not appended, as `append()` says it; null if nothing has moved.
create function log.what_moved(
    command_ids uuid[], strictly boolean, streams text[], versions bigint[], out outcome text, out detail text[]
) language plpgsql as $$
begin
    detail := log.done_before(command_ids);
    if detail is not null then outcome := 'receipts'; return; end if;
    if strictly then outcome := 'moved'; return; end if;
    detail := log.moved_streams(streams, versions);
    if detail is not null then
        outcome := case when log.knows_another_log(streams, versions) then 'epoch' else 'moved' end;
    end if;
end $$;

-- Inserts the events and receipts of a checked group and returns how many events there were; one that is not of its command's tenant is
-- left out. Events are counted within their stream only where the caller says that one has `several`; where he should have, the second
-- has the version of the first. That, and whatever `ends` says too much, breaks a constraint.
create function log.insert_group(
    head bigint, receipt bigint, appended_at timestamptz, streams text[], versions bigint[],
    asked text[], command_ids uuid[], correlation_ids uuid[], causation_ids uuid[], ends integer[],
    facts text[], event_ids uuid[], event_streams integer[], several boolean, out inserted bigint
) language plpgsql as $$
declare
    numbers bigint[];
begin
    if several then
        select array_agg(counted.number order by counted.n) into numbers
        from (
            select n, row_number() over (partition by event_streams[n] order by n) as number
            from generate_subscripts(event_streams, 1) as n
        ) as counted;
    end if;
    insert into log.events
    select streams[event_streams[n]], versions[event_streams[n]] + coalesce(numbers[n], 1),
        facts[2 * n - 1], convert_to(facts[2 * n], 'UTF8'), head + n, event_ids[n], asked[6 * c - 5], asked[6 * c - 4],
        command_ids[c], correlation_ids[c], causation_ids[c], receipt + c, n - before, ends[c] - before, appended_at
    from generate_subscripts(ends, 1) as c
    cross join lateral coalesce(ends[c - 1], 0) as before
    cross join lateral generate_series(before + 1, ends[c]) as n
    where starts_with(streams[event_streams[n]], asked[6 * c - 5] || ':') is not false;
    get diagnostics inserted = row_count;
    insert into log.receipts
    select receipt + c, command_ids[c], asked[6 * c - 5], asked[6 * c - 4], asked[6 * c - 3], decode(asked[6 * c - 2], 'hex'),
        asked[6 * c - 1], case when before < ends[c] then head + before + 1 end, case when before < ends[c] then head + ends[c] end,
        asked[6 * c]::json, appended_at
    from generate_subscripts(ends, 1) as c cross join lateral coalesce(ends[c - 1], 0) as before;
end $$;

-- Appends a group. What comes in three families: streams read or written (versions: their bases, null for one that is written
-- without), commands (ends: how many events there are up to and with theirs) and events (event_streams: the place of their stream;
-- several: whether any stream has more than one).
-- Lists are texts joined by U+001E, which stands in none of them; commands have six (tenant, actor, key, input hash in hexadecimal
-- digits, name, answer in JSON), events two (name, state in JSON), one after the other.
-- `after` is the last command that was done when all these versions were true, and `done` the number of its receipt. While it still is the
-- last one they are true, and are not looked up; without it, or behind another, they are. A group that was decided on top of one that is
-- not committed yet names that one's last command, with the number it will have if nobody else comes in between, and says `strictly`:
-- unless it is the last that was done, the group is 'moved', even if versions happen to agree.
-- outcome: 'appended' (everything is written: head and receipt are the last numbers *before* this group), 'receipts' (some commands
-- were done before: detail lists them), 'moved' (detail lists the streams), 'epoch' (the log lacks what the caller has seen of it).
-- Anything but 'appended' has written nothing.
create function log.append(
    seen_head bigint, after uuid, done bigint, strictly boolean, stream_list text, versions bigint[],
    command_list text, command_ids uuid[], correlation_ids uuid[], causation_ids uuid[], ends integer[],
    fact_list text, event_ids uuid[], event_streams integer[], several boolean,
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
    select last.number, last.recorded_at, after = last.command_id and done = last.number,
        (select max(notification_id) from log.events)
    into receipt, appended_at, follows, head
    from (select) as one
    left join lateral (select * from log.receipts order by number desc limit 1) as last on true;
    head := coalesce(head, 0); receipt := coalesce(receipt, 0);
    if head < seen_head then outcome := 'epoch'; return; end if;
    if follows is not true then
        select * into outcome, detail from log.what_moved(command_ids, strictly, streams, versions);
        if outcome is not null then return; end if;
    end if;
    appended_at := greatest(clock_timestamp(), appended_at + interval '1 microsecond');
    if array_position(versions, null) is not null then versions := log.with_open_streams(streams, versions); end if;
    begin
        inserted := log.insert_group(
            head, receipt, appended_at, streams, versions, asked, command_ids, correlation_ids, causation_ids, ends,
            facts, event_ids, event_streams, several
        );
    exception when unique_violation then
        detail := log.done_before(command_ids);
        if detail is null then raise; end if;
        outcome := 'receipts'; return;
    end;
    if inserted <> cardinality(event_ids) then
        raise exception 'an event without a stream of its own tenant' using errcode = 'check_violation';
    end if;
    perform pg_notify('lastro_log', (head + inserted)::text);
    outcome := 'appended';
end $$;

revoke all on all functions in schema log from public;
grant execute on function log.append_hold, log.append to lastro_app;
