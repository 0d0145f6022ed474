"""Four writer processes and a reader that follows: nothing is missed, the order holds, appends stay whole."""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from application import streams
from application.log import Recorded
from application.store import Store
from application.tasks import end
from interfaces.postgres.configuration import Urls
from tests.application.appends import Without, weaken
from tests.application.world import TENANT, committing, deposit, until
from tests.application.writer import CALLERS, PURSE, PURSE_HOLDS, ROUNDS

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(90)]

WRITERS = 4
COMMANDS_OF_ONE = CALLERS * ROUNDS * 4
ROOT = Path(__file__).parents[2]
LIMIT = 7
"""Fewer than a group holds, and odd, so that reads would end inside appends if they could."""


@dataclass
class Tail:
    """What a reader that follows the log has seen, batch by batch, while it grew."""

    store: Store
    seen: list[Recorded] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)

    async def follow(self) -> None:
        position = 0
        while True:
            batch = await self.store.read_after(position, limit=LIMIT)
            self.seen.extend(batch.events)
            self.ends.append(batch.end)
            position = batch.end
            await asyncio.sleep(0)


async def run_writers(database: Urls) -> list[dict[str, list[object]]]:
    """Start the writers, let them go at once, and return what each of them was told."""

    async def start(name: str) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.application.writer", database.app, name, cwd=ROOT,
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


async def prove(database: Urls, store: Store) -> None:
    """Run the writers beside a reader and compare what everybody saw."""
    async with committing(database) as committer:
        await committer.submit(deposit("purse", f"{PURSE_HOLDS}.00", user=PURSE))
    tail = Tail(store)
    following = asyncio.create_task(tail.follow())
    try:
        told = await run_writers(database)
        head = await store.head()
        await until(lambda: tail.ends[-1] == head)
    finally:
        await end(following)
    everything = (await store.read_after(0, limit=head)).events
    assert [event.log_position for event in everything] == list(range(1, head + 1))
    assert tail.seen == everything, "the reader missed an event, or saw another order"
    ends = {event.log_position for event in everything if event.ends_append}
    assert set(tail.ends) <= ends | {0}, "a read ended inside an append"
    prove_appends(everything)
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


async def test_four_writers_and_a_reader_miss_nothing_keep_the_order_and_tear_no_append(
    database: Urls, store: Store
) -> None:
    await prove(database, store)


async def test_without_the_lock_that_is_not_so(database: Urls, store: Store) -> None:
    weaken(database.owner, Without(function="append", rule="lock table log.append_lock in exclusive mode;"))
    with pytest.raises(AssertionError):
        await prove(database, store)
