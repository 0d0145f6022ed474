-- What an append writes is of the transaction that commits it, and of no part of one: `xmin` of its events is the transaction that a
-- restore recovers to (docs/decisions/0029). A block with an exception handler is a part. So commands that were done before are looked for
-- before anything is written. What `append()` takes, refuses and answers is otherwise that of 021_append_first.sql.

drop function log.what_moved;

-- Why a group that does not lie directly behind the command it names is not appended, as `append()` says it; null if nothing has moved.
create function log.what_moved(
    strictly boolean, streams text[], versions bigint[], out outcome text, out detail text[]
) language plpgsql as $$
begin
    if strictly then outcome := 'moved'; return; end if;
    detail := log.moved_streams(streams, versions);
    if detail is not null then
        outcome := case when log.knows_another_log(streams, versions) then 'epoch' else 'moved' end;
    end if;
end $$;

create or replace function log.append(
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
    detail := log.done_before(command_ids);
    if detail is not null then outcome := 'receipts'; return; end if;
    if follows is not true then
        select * into outcome, detail from log.what_moved(strictly, streams, versions);
        if outcome is not null then return; end if;
    end if;
    appended_at := greatest(clock_timestamp(), appended_at + interval '1 microsecond');
    if array_position(versions, null) is not null then versions := log.with_open_streams(streams, versions); end if;
    inserted := log.insert_group(
        head, receipt, appended_at, streams, versions, asked, command_ids, correlation_ids, causation_ids, ends,
        facts, event_ids, event_streams, several
    );
    if inserted <> cardinality(event_ids) then
        raise exception 'an event without a stream of its own tenant' using errcode = 'check_violation';
    end if;
    perform pg_notify('lastro_log', (head + inserted)::text);
    outcome := 'appended';
end $$;

revoke all on function log.what_moved from public;
