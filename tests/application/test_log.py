"""What append() writes: numbers without gaps, times that only grow, outcomes that wrote nothing, and whose rights."""

import itertools
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict

from application.store import Connection, Store, append, hold
from interfaces.postgres.configuration import Urls
from tests.application.appends import HOUSE, Fact, Sent, Without, group_of, posted, weaken
from tests.application.world import TENANT, an_id

pytestmark = pytest.mark.anyio

THING = f"{TENANT}:thing-1"


def two_facts(name: str, *, base: int = 0) -> Sent:
    return Sent(name=name, facts=(Fact(version=base + 1), Fact(version=base + 2)))


async def test_positions_receipts_and_appends_are_numbered_without_gaps(connection: Connection, store: Store) -> None:
    noop = Sent(name="no-op", facts=())
    await append(connection, group_of(two_facts("a"), noop, Sent(name="b", facts=(Fact(stream=HOUSE, version=None),))))
    with pytest.raises(errors.CheckViolation):
        await append(connection, group_of(Sent(name="bad", facts=(Fact(version=None),)), bases={}))
    await append(connection, group_of(two_facts("moved"), bases={THING: 0}))
    await append(connection, group_of(two_facts("c", base=2), bases={THING: 2}))
    events = (await store.read_after(0, limit=100)).events
    assert [event.log_position for event in events] == [1, 2, 3, 4, 5]
    assert [(event.append_id, event.append_index, event.append_size) for event in events] == [
        (1, 1, 2), (1, 2, 2), (3, 1, 1), (4, 1, 2), (4, 2, 2),
    ]  # fmt: skip
    receipts = await store.receipts([an_id(name) for name in ("a", "no-op", "b", "bad", "moved", "c")])
    ranges = {receipt.key: (receipt.first_log_position, receipt.last_log_position) for receipt in receipts.values()}
    assert ranges == {"a": (1, 2), "no-op": (None, None), "b": (3, 3), "c": (4, 5)}
    assert sorted(receipt.number for receipt in receipts.values()) == [1, 2, 3, 4]


async def test_an_append_says_what_the_numbers_were_before_it(connection: Connection) -> None:
    first = await append(connection, group_of(two_facts("a")))
    second = await append(connection, group_of(two_facts("b", base=2), bases={THING: 2}, seen_head=2))
    assert [(one.outcome, one.head, one.receipt) for one in (first, second)] == [("appended", 0, 0), ("appended", 2, 1)]


async def test_recorded_at_grows_though_the_clock_goes_back(
    database: Urls, connection: Connection, store: Store
) -> None:
    ahead = datetime.now(UTC) + timedelta(days=2)
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute(
            "insert into log.receipts values (1, gen_random_uuid(), 'acme', 'a', 'k', '', 'n', null, null, '{}', %s)",
            [ahead],
        )
    times = [
        (
            await append(connection, group_of(Sent(name=str(n), facts=(Fact(version=n + 1),)), bases={THING: n}))
        ).recorded_at
        for n in range(3)
    ]
    assert times == [ahead + timedelta(microseconds=step) for step in (1, 2, 3)]
    assert [event.recorded_at for event in (await store.read_after(0, limit=9)).events] == times
    weaken(
        database.owner,
        Without(function="append", rule="greatest(clock_timestamp(),", instead="least(clock_timestamp(),"),
    )
    await append(connection, group_of(Sent(name="late", facts=(Fact(version=4),)), bases={THING: 3}))
    assert (await store.read_after(3, limit=9)).events[0].recorded_at < ahead


async def test_recorded_at_is_one_instant_per_group_and_grows_by_group(connection: Connection, store: Store) -> None:
    for base in range(0, 200, 4):
        group = group_of(two_facts(f"a{base}", base=base), two_facts(f"b{base}", base=base + 2), bases={THING: base})
        assert (await append(connection, group)).outcome == "appended"
    events = (await store.read_after(0, limit=1_000)).events
    groups = [{event.recorded_at for event in events[base : base + 4]} for base in range(0, 200, 4)]
    assert [len(times) for times in groups] == [1] * 50
    instants = [times.pop() for times in groups]
    assert all(earlier < later for earlier, later in itertools.pairwise(instants))


async def test_a_moved_stream_is_named_and_nothing_is_written(connection: Connection, store: Store) -> None:
    await append(connection, group_of(two_facts("a")))
    other = Sent(name="b", facts=(Fact(stream=f"{TENANT}:thing-2"),))
    for base in (0, 1):
        said = await append(connection, group_of(other, bases={f"{TENANT}:thing-2": 0, THING: base}))
        assert (said.outcome, said.detail) == ("moved", [THING])
    assert await store.head() == 2
    assert await store.receipts([an_id("b")]) == {}
    said = await append(connection, group_of(other, bases={f"{TENANT}:thing-2": 0, THING: 2}))
    assert said.outcome == "appended"


async def test_a_stream_that_is_only_read_must_not_have_moved(database: Urls, connection: Connection) -> None:
    await append(connection, group_of(two_facts("a")))
    reading = group_of(Sent(name="b", facts=()), bases={THING: 1})
    assert (await append(connection, reading)).outcome == "moved"
    weaken(database.owner, Without(function="moved_streams", rule="versions[n] <>", instead="false and versions[n] <>"))
    assert (await append(connection, reading)).outcome == "appended"


async def test_a_command_is_done_once_and_its_receipt_is_the_answer(database: Urls, connection: Connection) -> None:
    await append(connection, group_of(two_facts("a")))
    again = group_of(Sent(name="b", facts=()), two_facts("a", base=2), bases={THING: 2})
    said = await append(connection, again)
    assert (said.outcome, [str(detail).replace("-", "") for detail in said.detail or ()]) == ("receipts", [an_id("a")])
    weaken(database.owner, Without(function="done_before", rule="command_id = any(command_ids)", instead="false"))
    again.after, again.done = an_id("a"), 1
    with pytest.raises(errors.UniqueViolation):
        await append(connection, again)


async def test_events_of_one_stream_that_are_not_said_to_be_several_are_refused(
    connection: Connection, store: Store
) -> None:
    parameters = group_of(two_facts("a")).parameters()
    assert parameters[-1] == "True"
    statement = f"SELECT log.append({', '.join(['%s'] * len(parameters))})"
    with pytest.raises(errors.UniqueViolation):
        await connection.execute(statement, [*parameters[:-1], "False"])
    assert await store.head() == 0
    await connection.execute(statement, parameters)
    assert [event.version for event in await store.read_stream(THING)] == [1, 2]


async def test_a_group_is_taken_only_directly_behind_the_one_it_was_decided_on(
    database: Urls, connection: Connection, store: Store
) -> None:
    """Another process wrote in between; the versions agree, but they are of other events."""
    await append(connection, group_of(Sent(name="another", facts=(Fact(),))))
    behind = group_of(Sent(name="b", facts=(Fact(version=2),)), bases={THING: 1})
    behind.after, behind.done, behind.strictly = an_id("decided on this"), 1, True
    assert (await append(connection, behind)).outcome == "moved"
    assert await store.head() == 1
    weaken(database.owner, Without(function="what_moved", rule="if strictly then", instead="if false then"))
    assert (await append(connection, behind)).outcome == "appended"


async def test_what_an_empty_log_does_not_take_has_no_time(connection: Connection) -> None:
    behind = group_of(two_facts("a"))
    behind.after, behind.done, behind.strictly = an_id("decided on this"), 1, True
    moved = await append(connection, behind)
    lost = await append(connection, group_of(two_facts("a"), seen_head=1))
    assert [(one.outcome, one.recorded_at) for one in (moved, lost)] == [("moved", None), ("epoch", None)]


async def test_versions_are_looked_up_unless_nothing_was_done_since_they_were_true(
    database: Urls, connection: Connection
) -> None:
    await append(connection, group_of(two_facts("a")))
    await append(connection, group_of(Sent(name="b", facts=(Fact(version=3),)), bases={THING: 2}))
    late = group_of(Sent(name="c", facts=()), bases={THING: 2})
    for after, done in ((None, 2), (an_id("a"), 1), (an_id("a"), 2), (an_id("b"), 1), (an_id("b"), None)):
        late.after, late.done = after, done
        assert (await append(connection, late)).outcome == "moved"
    weaken(database.owner, Without(function="append", rule="if follows is not true then", instead="if false then"))
    assert (await append(connection, late)).outcome == "appended"
    late = group_of(Sent(name="d", facts=()), bases={THING: 3})
    late.after, late.done = an_id("c"), 3
    assert (await append(connection, late)).outcome == "appended"


async def test_what_was_done_before_shows_behind_the_last_command_too(connection: Connection, store: Store) -> None:
    await append(connection, group_of(two_facts("a")))
    again = group_of(two_facts("a", base=2), Sent(name="b", facts=()), bases={THING: 2})
    again.after, again.done = an_id("a"), 1
    said = await append(connection, again)
    assert (said.outcome, [detail.replace("-", "") for detail in said.detail or ()]) == ("receipts", [an_id("a")])
    assert await store.head() == 2
    assert await store.receipts([an_id("b")]) == {}


async def test_what_is_appended_is_of_the_transaction_that_commits_it(connection: Connection) -> None:
    """And of no part of it, as what a handler of exceptions guards: a restore recovers to this transaction."""
    async with connection.transaction():
        await append(connection, group_of(two_facts("a")))
        found = await connection.execute(
            "select pg_current_xact_id()::text, array_agg(distinct xmin::text) from log.events"
        )
        rows = await found.fetchall()
    assert [[transaction] for transaction, _ in rows] == [of_events for _, of_events in rows]


async def test_a_log_that_ends_before_a_seen_head_is_another_log(database: Urls, connection: Connection) -> None:
    await append(connection, group_of(two_facts("a")))
    behind = group_of(two_facts("b", base=2), bases={THING: 2}, seen_head=3)
    said = await append(connection, behind)
    assert (said.outcome, said.head) == ("epoch", 2)
    weaken(database.owner, Without(function="append", rule="if head < seen_head then", instead="if false then"))
    assert (await append(connection, behind)).outcome == "appended"


async def test_a_base_that_was_never_reached_is_another_log(
    database: Urls, connection: Connection, store: Store
) -> None:
    await append(connection, group_of(two_facts("a")))
    beyond = group_of(two_facts("b", base=4), bases={THING: 4})
    assert (await append(connection, beyond)).outcome == "epoch"
    assert await store.head() == 2
    moved = Without(function="moved_streams", rule="versions[n] <>", instead="versions[n] <")
    weaken(database.owner, moved)
    assert (await append(connection, beyond)).outcome == "appended"
    assert [event.version for event in await store.read_stream(THING)] == [1, 2, 5, 6], "a hole in a stream"


async def test_an_open_stream_is_numbered_by_the_database(connection: Connection, store: Store) -> None:
    facts = tuple(posted(("assets:psp:a", "1"), ("assets:psp:b", "-1")) for _ in range(3))
    await append(connection, group_of(Sent(facts=facts[:2]), Sent(name="second", facts=facts[2:])))
    await append(connection, group_of(Sent(name="third", facts=facts[:1])))
    assert [event.version for event in await store.read_stream(HOUSE)] == [1, 2, 3, 4]


async def test_clearing_accounts_may_meet_inside_one_append(connection: Connection) -> None:
    away = posted(("assets:psp:a", "10"), ("liabilities:clearing:transfers", "-10"))
    back = posted(("liabilities:clearing:transfers", "10"), ("assets:psp:b", "-10"))
    assert (await append(connection, group_of(Sent(facts=(away, back))))).outcome == "appended"


async def test_append_notifies_the_head(database: Urls, connection: Connection) -> None:
    async with await psycopg.AsyncConnection.connect(database.app, autocommit=True) as listening:
        await listening.execute("listen lastro_log")
        await append(connection, group_of(two_facts("a")))
        notices = [notice async for notice in listening.notifies(timeout=5, stop_after=1)]
    assert [notice.payload for notice in notices] == ["2"]


async def test_the_hold_keeps_others_out_and_ends_when_its_holder_idles(database: Urls, connection: Connection) -> None:
    await append(connection, group_of(two_facts("a")))
    async with await psycopg.AsyncConnection.connect(database.app, autocommit=True) as holder, holder.transaction():
        assert await hold(holder) == 2
        row = await (await holder.execute("show idle_in_transaction_session_timeout")).fetchone()
        assert row == ("5s",)
        await connection.execute("set lock_timeout = '50ms'")
        with pytest.raises(errors.LockNotAvailable):
            await append(connection, group_of(two_facts("b", base=2), bases={THING: 2}))
    assert (await append(connection, group_of(two_facts("b", base=2), bases={THING: 2}))).outcome == "appended"


CHANGES = {
    "update of events": "update log.events set actor = 'nobody'",
    "update of no event": "update log.events set actor = 'nobody' where false",
    "delete of events": "delete from log.events",
    "truncation of events": "truncate log.events",
    "update of receipts": "update log.receipts set key = 'other'",
    "delete of receipts": "delete from log.receipts",
    "truncation of receipts": "truncate log.receipts",
    "merge into receipts": "merge into log.receipts r using (select 1) as s on true when matched then delete",
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
async def test_the_log_is_never_changed_by_anybody(change: str, database: Urls, connection: Connection) -> None:
    await append(connection, group_of(two_facts("a")))
    with pytest.raises(errors.InsufficientPrivilege, match="permission denied"):
        await connection.execute(sql.SQL(change))
    with psycopg.connect(database.owner, autocommit=True) as superuser:
        for role in ("origin", "replica", "local"):
            superuser.execute(sql.SQL("set session_replication_role = {}").format(sql.Literal(role)))
            with pytest.raises(errors.InsufficientPrivilege, match="append-only"):
                superuser.execute(sql.SQL(change))
        for table in ("events", "receipts"):
            superuser.execute(sql.SQL("alter table log.{} enable trigger append_only").format(sql.Identifier(table)))
        superuser.execute("set session_replication_role = replica")
        superuser.execute(sql.SQL(change))  # which is why the triggers are ALWAYS


async def test_the_app_role_inserts_nothing_itself(connection: Connection) -> None:
    for table in ("events", "receipts", "append_lock"):
        with pytest.raises(errors.InsufficientPrivilege):
            await connection.execute(sql.SQL("insert into log.{} default values").format(sql.Identifier(table)))
    for statement in ("lock table log.append_lock in exclusive mode", "lock table log.events in share mode"):
        with pytest.raises(errors.InsufficientPrivilege):
            await connection.execute(sql.SQL("begin; {}").format(sql.SQL(statement)))
        await connection.execute("rollback")


async def test_the_app_role_executes_append_and_append_hold_only(connection: Connection) -> None:
    cursor = await connection.execute(
        "select proname from pg_proc "
        "where pronamespace = 'log'::regnamespace and has_function_privilege(oid, 'execute')"
    )
    assert sorted(row[0] for row in await cursor.fetchall()) == ["append", "append_hold"]


async def test_the_app_role_reads_the_log_and_writes_only_what_is_no_truth(connection: Connection) -> None:
    cursor = await connection.execute("""
        select c.relname, string_agg(p, ',' order by p) from pg_class as c
        cross join unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) as p
        where c.relnamespace = 'log'::regnamespace and c.relkind = 'r' and has_table_privilege(c.oid, p) group by 1
    """)
    assert dict(await cursor.fetchall()) == {
        "epochs": "insert,select",
        "events": "select",
        "policy_cursors": "insert,select,update",
        "receipts": "select",
        "snapshots": "insert,select",
    }


async def test_the_recorder_of_eventsourcing_reads_the_log(database: Urls, connection: Connection) -> None:
    await append(connection, group_of(two_facts("a"), Sent(name="b", facts=(Fact(stream=HOUSE, version=None),))))
    at = conninfo_to_dict(database.app)
    with PostgresDatastore(
        dbname=str(at["dbname"]), host=str(at["host"]), port=str(at["port"]), user=str(at["user"]), password="",
        schema="log", originator_id_type="text",
    ) as datastore:  # fmt: skip
        recorder = PostgresApplicationRecorder(datastore, events_table_name="events")
        assert recorder.max_notification_id() == 3
        stored = recorder.select_events(THING, gt=1)
        assert [(one.originator_id, one.originator_version, one.topic, one.state) for one in stored] == [
            (THING, 2, "thing.happened.v1", b"{}")
        ]
        notified = recorder.select_notifications(2, 10)
        assert [(one.id, one.originator_id, one.originator_version) for one in notified] == [
            (2, THING, 2),
            (3, HOUSE, 1),
        ]


async def test_reading_by_name_skips_the_others_and_ends_at_the_end_of_an_append(
    connection: Connection, store: Store
) -> None:
    await append(connection, group_of(two_facts("a")))
    await append(connection, group_of(two_facts("b", base=2), bases={THING: 2}))
    every = (await store.read_after(0, limit=100)).events
    names = {event.name for event in every}
    found = await store.read_named(0, names, limit=3)
    assert ([event.log_position for event in found.events], found.end) == ([1, 2, 3, 4], 4), "3 lies inside an append"
    nothing = await store.read_named(1, ["another.name.v1"], limit=1)
    assert (list(nothing.events), nothing.end) == ([], 2)
    at_the_head = await store.read_named(4, names, limit=3)
    assert (list(at_the_head.events), at_the_head.end) == ([], 4)
