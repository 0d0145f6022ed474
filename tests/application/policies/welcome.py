"""A test-only policy with a stream of its own: who registers gets a bonus once, and is charged a fee that few can pay.

As a program (`python -m tests.application.policies.welcome APP_URL STEP`) it follows the log, says "at STEP" when it
has got that far with an event, and stands still there until it is killed.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from psycopg_pool import AsyncConnectionPool

from application import streams
from application.commands import Body, Command, Done, Envelope
from application.committer import Committer
from application.ids import derive, namespace
from application.log import Recorded
from application.policies.runner import Policy, PolicyRunner, Submit
from application.store import Connection, Store, speak_hex_ids
from application.wakeup import Wakeup
from application.work import Versioned, Work
from domain.ids import EntryId
from domain.ledger.entry import ReferenceClaimed
from domain.users import UserRegistered
from interfaces.postgres import connections
from interfaces.postgres.configuration import Urls
from tests.application.world import committing, connect, flow

_WELCOME = namespace("test-welcome")
Pause = Callable[[int], Awaitable[None]]


class Welcome:
    """Reacts to a registration with a bonus, remembered in a stream of its own, and with a fee."""

    name = "welcome"
    handles = frozenset({"user.registered.v1"})

    def __init__(self, first_log_position: int = 1) -> None:
        self.first_log_position = first_log_position
        self.reactions = 0

    async def react(self, recorded: Recorded, event: Any, submit: Submit) -> None:  # noqa: ANN401 – as the protocol says
        self.reactions += 1
        assert isinstance(event, UserRegistered)
        await submit(self._grant(recorded, event))
        await submit(self._charge(recorded, event))

    def _grant(self, recorded: Recorded, event: UserRegistered) -> Command:
        asked = _envelope(recorded, "grant")
        memory = streams.reference(recorded.tenant, "welcome", event.user)
        book = streams.book(recorded.tenant, event.user)
        text = f"memo:bonus:issued +20.00 | memo:users:{event.user}:bonus -20.00"
        posting = flow(text, id=derive(_WELCOME, recorded.event_id, "entry"), kind="bonus_granted", now=asked.now)

        def decide(work: Work) -> Body:
            work.run(memory, ReferenceClaimed(kind="welcome", reference=event.user, entry=EntryId(posting.entry.id)))
            work.run(book, posting)
            return {}

        return Command(name="grant_welcome", envelope=asked, reads=(memory, book), decide=decide)

    def _charge(self, recorded: Recorded, event: UserRegistered) -> Command:
        asked = _envelope(recorded, "charge")
        book = streams.book(recorded.tenant, event.user)
        text = f"liabilities:users:{event.user}:real:available +5.00 | revenue:subscriptions -5.00"
        posting = flow(text, id=derive(_WELCOME, recorded.event_id, "fee"), kind="subscription_paid", now=asked.now)

        def decide(work: Work) -> Body:
            work.run(book, posting)
            return {}

        return Command(name="charge_welcome", envelope=asked, reads=(book,), decide=decide)


def _envelope(recorded: Recorded, step: str) -> Envelope:
    command_id = derive(_WELCOME, recorded.event_id, step)
    return Envelope(
        tenant=recorded.tenant,
        actor="policy:welcome",
        command_id=command_id,
        key=command_id,
        input_hash=command_id * 2,
        correlation_id=recorded.correlation_id,
        causation_id=recorded.event_id,
        now=recorded.recorded_at,
    )


class Stepping(Committer):
    """A committer that pauses before and after each command, as often as `pause` wants."""

    def __init__(self, committer: Committer, pause: Pause) -> None:
        self._inner, self._pause, self._reached = committer, pause, 0

    async def submit(self, command: Command) -> Done:
        await self._at_step()
        done = await self._inner.submit(command)
        await self._at_step()
        return done

    async def state(self, stream: str) -> Versioned:
        return await self._inner.state(stream)

    async def _at_step(self) -> None:
        self._reached += 1
        await self._pause(self._reached)


@asynccontextmanager
async def runner_of(
    policy: Policy | Callable[[Committer], Policy],
    database: Urls,
    *,
    wrap: Callable[[Committer], Committer] = lambda committer: committer,
    reads: Callable[[AsyncConnectionPool[Connection]], Store] = Store,
) -> AsyncIterator[PolicyRunner]:
    """Give a runner of a policy, maybe made with its committer, with a committer, a pool and a wake-up of its own."""
    async with (
        committing(database) as committer,
        connections.pool(database.app, name="test-policy", size=2, configure=speak_hex_ids) as pool,
    ):
        wakeup = Wakeup(lambda: connect(database.app), "lastro_log")
        await wakeup.start()
        try:
            made = policy(committer) if callable(policy) else policy
            yield PolicyRunner(made, store=reads(pool), committer=wrap(committer), pool=pool, wakeup=wakeup)
        finally:
            await wakeup.stop()


async def follow(url: str, step: str) -> None:
    async def pause(reached: int) -> None:
        if reached == int(step):
            print(f"at {reached}", flush=True)  # noqa: T201 – this is how processes talk
            await asyncio.Event().wait()

    urls = Urls(owner="", app=url, projector="")
    async with runner_of(Welcome(), urls, wrap=lambda committer: Stepping(committer, pause)) as runner:
        await runner.run()


if __name__ == "__main__":
    asyncio.run(follow(*sys.argv[1:]))
