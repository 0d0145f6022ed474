"""Four writer processes and readers that follow: nothing is missed, the order holds, appends stay whole."""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import UniqueViolation

from application import streams
from application.commands import Done
from application.log import Recorded
from application.store import Store
from application.tasks import end
from domain.ids import UserId
from interfaces.postgres.configuration import Urls
from tests.application.appends import Without, weaken
from tests.application.world import TENANT, an_id, committing, deposit, reading, until
from tests.application.writer import CALLERS, PURSE, PURSE_HOLDS, ROUNDS

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(90)]

WRITERS = 4
COMMANDS_OF_ONE = CALLERS * ROUNDS * 4
ROOT = Path(__file__).parents[2]
LIMITS = (7, 10_000)
"""Two readers. One takes fewer events than a group holds, and an odd number, so that reads would end inside appends if
they could; it falls behind, where gaps have closed. The other is always at the head, where a gap would be seen."""


@dataclass
class Tail:
    """What a reader that follows the log has seen, batch by batch, while it grew."""

    limit: int
    seen: list[Recorded] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)

    async def follow(self, database: Urls) -> None:
        position = 0
        async with reading(database) as store:
            while True:
                batch = await store.read_after(position, limit=self.limit)
                self.seen.extend(batch.events)
                self.ends.append(batch.end)
                position = batch.end
                await asyncio.sleep(0)


async def run_writers(database: Urls, mode: str) -> list[dict[str, list[object]]]:
    """Start the writers, let them go at once, and return what each of them was told."""

    async def start(name: str) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.application.writer", database.app, name, mode, cwd=ROOT,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
        return process

    processes = await asyncio.gather(*(start(f"writer {number}") for number in range(WRITERS)))
    outputs = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    for process, (_, errors) in zip(processes, outputs, strict=True):
        assert process.returncode == 0, errors.decode()[-2_000:]
    return [json.loads(out.splitlines()[-1]) for out, _ in outputs]


async def prove(database: Urls, store: Store, mode: str = "together") -> None:
    """Run the writers beside a reader and compare what everybody saw."""
    async with committing(database) as committer:
        await committer.submit(deposit("purse", f"{PURSE_HOLDS}.00", user=PURSE))
    tails = [Tail(limit) for limit in LIMITS]
    following = [asyncio.create_task(tail.follow(database)) for tail in tails]
    try:
        told = await run_writers(database, mode)
        head = await store.head()
        await until(lambda: all(tail.ends and tail.ends[-1] == head for tail in tails))
    finally:
        await end(*following)
    everything = (await store.read_after(0, limit=head)).events
    assert [event.log_position for event in everything] == list(range(1, head + 1))
    ends = {event.log_position for event in everything if event.ends_append}
    for tail in tails:
        assert tail.seen == everything, "the reader missed an event, or saw another order"
        assert set(tail.ends) <= ends | {0}, "a read ended inside an append"
    prove_appends(everything)
    if mode == "together":
        prove_answers(told, everything)


def prove_appends(events: Sequence[Recorded]) -> None:
    """Each append is whole and its events stand side by side; positions, appends and times grow together."""
    at = 0
    while at < len(events):
        append = events[at : at + events[at].append_size]
        assert [event.append_index for event in append] == list(range(1, len(append) + 1))
        assert {(event.append_id, event.command_id, event.recorded_at) for event in append} == {
            (append[0].append_id, append[0].command_id, append[0].recorded_at)
        }
        at += len(append)
    assert all(event.append_size == 2 for event in events if b"clearing" in event.state)
    order = [(event.append_id, event.recorded_at) for event in events]
    assert order == sorted(order)
    assert [event.append_id for event in events] == sorted(event.append_id for event in events)
    for stream in {event.stream for event in events}:
        versions = [event.version for event in events if event.stream == stream]
        assert versions == list(range(1, len(versions) + 1))


def prove_answers(told: list[dict[str, list[object]]], events: Sequence[Recorded]) -> None:
    """Whoever was told that something is done finds it where it was said, once, and the purse was spent exactly."""
    assert [len(one) for one in told] == [COMMANDS_OF_ONE] * WRITERS
    said = [(key, what) for one in told for key, what in one.items()]
    assert sum(not refused for key, (refused, *_) in said if key.endswith("-race")) == PURSE_HOLDS
    assert len([event for event in events if event.stream == streams.book(TENANT, PURSE)]) == PURSE_HOLDS + 1
    shared: dict[str, list[list[object]]] = {}
    for key, what in said:
        shared.setdefault(key, []).append(what)
    for key, answers in shared.items():
        assert len({(refused, first, last) for refused, _, first, last in answers}) == 1
        assert sum(not replayed for _, replayed, *_ in answers) == 1, f"{key} had more than one effect"
    accepted = {last for answers in shared.values() for refused, _, _, last in answers if not refused}
    assert accepted == {event.log_position for event in events if event.ends_append} - {1}


async def test_four_writers_and_their_readers_miss_nothing_keep_the_order_and_tear_no_append(
    database: Urls, store: Store
) -> None:
    await prove(database, store)


async def test_without_the_lock_writers_take_the_same_numbers_and_the_index_refuses_them(database: Urls) -> None:
    weaken(database.owner, UNLOCKED, before_writing(IN_COMPANY))
    async with committing(database) as one, committing(database) as other:
        answers = await asyncio.gather(
            one.submit(deposit("a", "1.00", user=UserId(an_id("a")))),
            other.submit(deposit("b", "1.00", user=UserId(an_id("b")))),
            return_exceptions=True,
        )
    assert sorted(map(type, answers), key=str) == [Done, UniqueViolation]


UNLOCKED = Without(function="append", rule="lock table log.append_lock in exclusive mode;")
SLOW = "perform pg_sleep(random() * 0.02);"
IN_COMPANY = """
    perform pg_advisory_lock_shared(7);
    for patience in 1..2000 loop
        exit when (select count(*) > 1 from pg_locks where locktype = 'advisory' and objid = 7);
        perform pg_sleep(0.01);
    end loop;
"""
"""Two writers have read the same head before either of them writes, however busy the machine is."""
NUMBERS = """
    perform pg_advisory_lock(1);
    head := (select last_value from log.heads);
    receipt := (select last_value from log.numbers);
    perform setval('log.heads', head + cardinality(event_ids));
    perform setval('log.numbers', receipt + cardinality(command_ids));
    perform pg_advisory_unlock(1);
"""
"""Numbers without gaps that nobody takes twice, as a sequence gives them: fixed before the commit, not by its order."""


def before_writing(step: str) -> Without:
    return Without(function="append", rule="appended_at := greatest(", instead=f"{step} appended_at := greatest(")


async def test_a_lock_held_longer_changes_nothing(database: Urls, store: Store) -> None:
    """The control of the next test: the same delay, with the lock."""
    weaken(database.owner, before_writing(SLOW))
    await prove(database, store, "apart")


async def test_numbers_that_become_visible_out_of_order_are_missed_by_the_reader(database: Urls, store: Store) -> None:
    """What a store without the lock does that numbers well: the reader is behind a number before it is visible."""
    with psycopg.connect(database.owner, autocommit=True) as owner:
        for sequence in ("heads", "numbers"):
            owner.execute(sql.SQL("create sequence log.{} minvalue 0").format(sql.Identifier(sequence)))
    anywhere = Without(function="append", rule="if head < seen_head then", instead="if false then")
    weaken(database.owner, UNLOCKED, anywhere, before_writing(NUMBERS + SLOW))
    with pytest.raises(AssertionError, match="the reader missed an event"):
        await prove(database, store, "apart")
