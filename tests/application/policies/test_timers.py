"""Timers: said to be due once, not before their time, by however many clocks; and what was to be done is done once."""

import asyncio
from datetime import datetime, timedelta

import pytest

from application import streams
from application.codec import decode
from application.commands import Body, Command
from application.policies.timers import TimersPolicy, run_timers
from application.proposals import propose_approval
from application.store import Store
from application.tasks import end
from application.timers import set_timer, timer_of
from application.users import change_user
from application.work import Work
from domain.ids import ProposalId
from domain.proposals import Status
from domain.timers import TimerKind
from domain.users import Role, SetRoles
from interfaces.postgres.configuration import Urls
from tests.application.withdrawing import OPERATOR, STAFF, USABLE, destined, requested
from tests.application.world import (
    NOW,
    ROBOT,
    TENANT,
    an_id,
    command,
    committing,
    deposit,
    envelope,
    reading,
    until,
)

pytestmark = pytest.mark.anyio

PROPOSAL = ProposalId(an_id("proposal"))
LARGE = "600.00"


class At:
    """A clock that a test sets."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now


def setting(name: str, due_at: datetime) -> Command:
    stream = timer_of(TENANT, TimerKind.PROPOSAL, name)

    def decide(work: Work) -> Body:
        set_timer(work, TENANT, TimerKind.PROPOSAL, subject=name, due_at=due_at)
        return {}

    return command(f"set {name}", stream, decide=decide)


async def names(store: Store) -> list[str]:
    return [event.name for event in (await store.read_after(0, limit=1_000)).events]


async def test_clocks_say_once_that_a_timer_is_due_and_not_before_its_time(database: Urls) -> None:
    async with committing(database) as one, committing(database) as other, reading(database) as store:
        await one.submit(setting(an_id("due"), NOW))
        await one.submit(setting(an_id("later"), NOW + timedelta(seconds=1)))
        clocks = [asyncio.create_task(run_timers(committer, store, At(NOW))) for committer in (one, other)]
        await until(lambda: _has(store, "timer.due.v1"))
        for clock in clocks:
            await end(clock)
        again = asyncio.create_task(run_timers(other, store, At(NOW + timedelta(hours=1))))
        await until(lambda: _count(store, "timer.due.v1", 2))
        await end(again)
        assert sorted(await names(store)) == ["timer.due.v1"] * 2 + ["timer.set.v1"] * 2


async def _has(store: Store, name: str) -> bool:
    return name in await names(store)


async def _count(store: Store, name: str, count: int) -> bool:
    return (await names(store)).count(name) == count


async def test_a_proposal_that_nobody_decided_is_closed_once_its_time_is_over(database: Urls) -> None:
    hired = change_user(envelope("hired"), SetRoles(user=OPERATOR, roles=(Role.OPERATOR,), by=ROBOT))
    async with committing(database) as committer, reading(database) as store:
        for one in (*STAFF, hired, deposit("d", "1000.00"), destined(), requested("w", LARGE)):
            await committer.submit(one)
        withdrawal = (await committer.state(streams.withdrawal(TENANT, an_id("w")))).state
        await committer.submit(propose_approval(envelope("p", actor=OPERATOR, now=USABLE), withdrawal, PROPOSAL))
        later = At(USABLE + timedelta(hours=24))
        clock = asyncio.create_task(run_timers(committer, store, later))
        await until(lambda: _has(store, "timer.due.v1"))
        await end(clock)
        due = next(one for one in (await store.read_after(0, limit=100)).events if one.name == "timer.due.v1")
        for _ in range(2):
            await TimersPolicy(later).react(due, decode(due.name, due.state), committer.submit)
        assert (await committer.state(streams.proposal(TENANT, PROPOSAL))).state.status is Status.EXPIRED
        assert (await names(store)).count("proposal.expired.v1") == 1
