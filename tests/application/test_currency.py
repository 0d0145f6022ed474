"""Wherever a command comes in the log, it was decided on what its streams were there, and not on what they had been."""

import asyncio
import random
from collections.abc import Coroutine
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import psycopg
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from application import streams
from application.commands import Body, Command
from application.committer import Committer
from application.currency import Currency
from application.work import Work
from domain.ids import UserId
from interfaces.postgres.configuration import Urls
from tests.application.appends import HOUSE
from tests.application.proxy import Wire, wire
from tests.application.world import TENANT, an_id, command, committing, flow, lock_held, wait_for_the_lock

USERS = [UserId(an_id(f"user {number}")) for number in range(4)]
BOOKS = {streams.book(TENANT, user): user for user in USERS}
ROUNDS = 30
SMALL = 4
"""Streams that the first of them remembers: others are dropped, and read again."""
_DONE = """
    SELECT answer, ARRAY(
        SELECT originator_id FROM log.events WHERE notification_id BETWEEN first_log_position AND last_log_position
    ) FROM log.receipts ORDER BY number
"""


def looking(key: str, chance: random.Random) -> Command:
    """Return a command that answers the versions it sees, and may write one of them, or the house without seeing it."""
    reads = chance.sample([*BOOKS, HOUSE], chance.randint(1, 3))
    writes = chance.choice([None, *reads, HOUSE])

    def decide(work: Work) -> Body:
        seen = {stream: work.version(stream) for stream in reads}
        if writes is not None:
            account = f"liabilities:users:{BOOKS[writes]}:real:available" if writes in BOOKS else "bank:own:main"
            work.run(writes, flow(f"psp:stripe +1.00 | {account} -1.00", id=an_id(key), kind="deposit"))
        return dict(seen)

    return command(key, *reads, decide=decide)


@dataclass
class Traffic:
    """Two committers of one log, one behind a wire that may be cut, and what is asked of them at random."""

    database: Urls
    chance: random.Random
    committers: tuple[Committer, Committer]
    carried: Wire
    asked: int = 0
    tasks: list[asyncio.Task[object]] = field(default_factory=list)

    async def go(self) -> None:
        for _ in range(ROUNDS):
            if self.chance.random() < 0.1:
                self.carried.answers_to_lose = 1
            async with asyncio.TaskGroup() as group:
                if self.chance.random() < 0.4:
                    async with lock_held(self.database):
                        self._ask(group)
                        await wait_for_the_lock(self.database)
                        self._ask(group)
                        await asyncio.sleep(self.chance.random() / 100)
                else:
                    self._ask(group)

    def _ask(self, group: asyncio.TaskGroup) -> None:
        """Ask the first of them, and sometimes the other as well; sometimes somebody wants to know a state."""
        for committer, share in zip(self.committers, (1.0, 0.25), strict=True):
            if self.chance.random() <= share:
                for _ in range(self.chance.randint(1, 12)):
                    self.asked += 1
                    self._run(group, committer.submit(looking(f"{self.asked}", self.chance)))
                    if self.chance.random() < 0.2:
                        self._run(group, committer.state(self.chance.choice([*BOOKS, HOUSE])))

    def _run(self, group: asyncio.TaskGroup, asked: Coroutine[None, None, object]) -> None:
        self.tasks.append(group.create_task(asked))


@pytest.mark.anyio
@pytest.mark.parametrize("seed", range(6))
async def test_every_command_has_seen_what_the_log_held_before_it(seed: int, database: Urls) -> None:
    async with (
        wire(database) as (carried, url),
        committing(database, url=url, cache_capacity=SMALL) as first,
        committing(database) as second,
    ):
        traffic = Traffic(database, random.Random(seed), (first, second), carried)
        await traffic.go()
    assert first.statistics.commands > ROUNDS
    with psycopg.connect(database.app) as connection:
        done = connection.execute(_DONE).fetchall()
    assert len(done) == traffic.asked
    held = dict.fromkeys([*BOOKS, HOUSE], 0)
    for answer, moved in done:
        assert answer["body"] == {stream: held[stream] for stream in answer["body"]}
        for stream in moved:
            held[stream] += 1


BOOK, OTHER, OPEN = NAMES = ("book", "other", "open")
State = dict[str, int]


@dataclass
class Sent:
    """A group under way: what it was decided on, what it leaves, and where it is in the log once it is there."""

    bases: State
    leaves: dict[str, int | None]
    place: int | None = None


class Process(RuleBasedStateMachine):
    """One process, another that appends beside it, and a log of which only the model knows all."""

    def __init__(self) -> None:
        super().__init__()
        self.currency = Currency()
        self.log: list[State] = [dict.fromkeys(NAMES, 0)]
        self.seen = 0
        self.last: int | None = None
        self.flights: list[Sent] = []
        self.readings: list[tuple[AbstractContextManager[State], State, State]] = []

    @rule(stream=st.sampled_from(NAMES))
    def another_appends(self, stream: str) -> None:
        self._append({stream})

    @rule()
    def begin_to_read(self) -> None:
        reading = self.currency.reading()
        self.readings.append((reading, reading.__enter__(), self.log[-1]))

    @precondition(lambda self: self.readings)
    @rule(streams=st.sets(st.sampled_from(NAMES), min_size=1), which=st.integers(0, 1))
    def have_read(self, streams: set[str], which: int) -> None:
        reading, found, then = self.readings.pop(which % len(self.readings))
        found.update({stream: then[stream] for stream in streams})
        reading.__exit__(None, None, None)

    @precondition(lambda self: len(self.flights) < 2)
    @rule(reads=st.sets(st.sampled_from(NAMES)), writes=st.sampled_from((*NAMES, "blindly")), ago=st.integers(0, 2))
    def send(self, reads: set[str], writes: str, ago: int) -> None:
        """Send a group that was decided on what the log was a moment ago; behind another only what is current."""
        knows = dict(self.log[max(0, len(self.log) - 1 - ago)])
        for flight in self.flights:
            knows.update((stream, version) for stream, version in flight.leaves.items() if version is not None)
        streams = reads - {OPEN} if writes == "blindly" else reads | {writes}
        bases = {stream: knows[stream] for stream in streams}
        leaves: dict[str, int | None] = {
            **bases,
            **({OPEN: None} if writes == "blindly" else {writes: knows[writes] + 1}),
        }
        if not self.flights or self.currency.holds(bases, self.flights[0].leaves):
            self.flights.append(Sent(bases, leaves))

    @precondition(lambda self: any(flight.place is None for flight in self.flights))
    @rule()
    def the_log_takes_it(self) -> None:
        """It takes the first if nothing it was decided on has moved, the second directly behind the first."""
        flight = next(flight for flight in self.flights if flight.place is None)
        before = [one for one in self.flights if one is not flight]
        if any(one.place != len(self.log) - 1 or self._is_overtaken(one) for one in before):
            self.flights.remove(flight)
            return
        true = all(self.log[-1][stream] == version for stream, version in flight.bases.items())
        assert true or not before, "it was sent behind another on what was not current"
        if not true:
            self.flights.clear()
            return
        self._append({stream for stream, version in flight.leaves.items() if version != flight.bases.get(stream)})
        flight.place = len(self.log) - 1

    @precondition(lambda self: self.flights and self.flights[0].place is not None)
    @rule()
    def it_is_told(self) -> None:
        flight = self.flights.pop(0)
        assert flight.place is not None
        if self._is_overtaken(flight):
            self.currency.doubt()
        self.seen = self.last = flight.place
        self.currency.appended(flight.leaves)

    @invariant()
    def what_is_current_is_true(self) -> None:
        """Where a group would be taken at its word: behind our own last command, or behind the only group under way."""
        end = len(self.log) - 1
        flight = self.flights[0] if self.flights else None
        if (flight.place if flight else self.last) != end or (flight and self._is_overtaken(flight)):
            return
        under_way = flight.leaves if flight else {}
        for stream, version in self.log[-1].items():
            for wrong in {*range(end + 1)} - {version}:
                assert not self.currency.holds({stream: wrong}, under_way)

    def _is_overtaken(self, flight: Sent) -> bool:
        """Another has appended before it since we were last told of the log: its receipts have other numbers."""
        return flight.place != self.seen + 1

    def _append(self, streams: set[str]) -> None:
        self.log.append({stream: version + (stream in streams) for stream, version in self.log[-1].items()})


TestProcess = Process.TestCase
TestProcess.settings = settings(max_examples=300, stateful_step_count=30, deadline=None)
