"""Two processes that decide on one user's money at once: the book decides, and nobody gets what there is twice."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from application import streams
from application.commands import Command, Done
from application.committer import Committer
from application.withdrawals import (
    approve_withdrawal,
    cancel_withdrawal,
    find_withdrawal,
    pay_withdrawal,
    return_withdrawal,
)
from application.withdrawals import reject_withdrawal as reject
from domain.ledger.accounts import Bucket, available, held
from domain.ledger.book import Book
from interfaces.postgres.configuration import Urls
from tests.application.withdrawing import OPERATOR, SECOND, STAFF, USABLE, destined, requested, terms_of
from tests.application.world import BOOK, TENANT, an_id, committing, deposit, envelope
from tests.domain.ledger.entries import USER
from tests.domain.withdrawals.withdrawals import usd

pytestmark = pytest.mark.anyio


@pytest.fixture
async def committers(database: Urls) -> AsyncIterator[list[Committer]]:
    """Two committers, as two processes have them, on a tenant with a user who has 100.00."""
    async with AsyncExitStack() as stack:
        both = [await stack.enter_async_context(committing(database)) for _ in range(2)]
        for command in (*STAFF, deposit("d", "100.00"), destined()):
            (await both[0].submit(command)).accepted()
        yield both


async def at_once(committers: Sequence[Committer], commands: Sequence[Command]) -> list[Done]:
    """Submit the commands by turns to the committers, all at the same time."""
    submitted = (committers[number % 2].submit(command) for number, command in enumerate(commands))
    return list(await asyncio.gather(*submitted))


def codes(done: Sequence[Done]) -> list[str]:
    return sorted("done" if not one.refused else str(one.receipt.answer["code"]) for one in done)


async def book(committer: Committer) -> Book:
    state = (await committer.state(BOOK)).state
    assert isinstance(state, Book)
    return state


async def test_two_withdrawals_for_the_last_cent_have_one_winner(committers: list[Committer]) -> None:
    terms = replace(terms_of("USD"), per_day=usd("100000.00"))
    wanted = [requested(f"w{number}", "100.00", terms=terms) for number in range(2)]
    assert codes(await at_once(committers, wanted)) == ["done", "insufficient_funds"]
    left = await book(committers[0])
    assert left.balance(available(USER, Bucket.REAL), usd("1").asset) == usd("0")
    assert left.balance(held(USER, Bucket.REAL), usd("1").asset) == usd("-100.00")


async def test_32_withdrawals_for_one_daily_limit_and_one_balance(committers: list[Committer]) -> None:
    terms = replace(terms_of("USD"), per_day=usd("60.00"), requests_per_day=100)
    wanted = [requested(f"w{number}", "20.00", terms=terms) for number in range(32)]
    assert codes(await at_once(committers, wanted)) == ["done"] * 3 + ["withdrawal_limit_exceeded"] * 29


async def test_requests_that_race_do_not_pass_the_number_of_a_day(committers: list[Committer]) -> None:
    wanted = [requested(f"w{number}", "10.00") for number in range(8)]
    assert codes(await at_once(committers, wanted)) == ["done"] * 3 + ["too_many_withdrawals"] * 5


async def test_the_same_request_twice_holds_once(committers: list[Committer]) -> None:
    first, second = await at_once(committers, [requested("w", "60.00"), requested("w", "60.00")])
    assert first.body == second.body
    assert (await book(committers[0])).balance(held(USER, Bucket.REAL), usd("1").asset) == usd("-60.00")


async def test_approving_cancelling_and_rejecting_at_once_has_one_winner(committers: list[Committer]) -> None:
    for number in range(3):
        (await committers[0].submit(requested(f"w{number}", "20.00"))).accepted()
        known = await find_withdrawal(committers[0], TENANT, an_id(f"w{number}"))
        acts = [
            approve_withdrawal(envelope(f"approve {number}", actor=OPERATOR, now=USABLE), known),
            cancel_withdrawal(envelope(f"cancel {number}", actor=USER, now=USABLE), known),
            reject(envelope(f"reject {number}", actor=SECOND, now=USABLE), known, reason="unclear"),
        ]
        assert codes(await at_once(committers, acts)) == ["done", *["withdrawal_transition_refused"] * 2]
    assert dict((await book(committers[1])).open_withdrawals) == {}


async def test_a_withdrawal_comes_back_once(committers: list[Committer]) -> None:
    (await committers[0].submit(requested("w", "50.00"))).accepted()
    known = await find_withdrawal(committers[0], TENANT, an_id("w"))
    paid = pay_withdrawal(envelope("pay", actor=OPERATOR, now=USABLE), known, bank="main", reference="B 17")
    for step in (approve_withdrawal(envelope("approve", actor=OPERATOR, now=USABLE), known), paid):
        (await committers[0].submit(step)).accepted()
    back = [
        return_withdrawal(envelope(f"return {number}", actor=OPERATOR, now=USABLE), known, reason="closed")
        for number in range(4)
    ]
    assert codes(await at_once(committers, back)) == ["done", *["withdrawal_transition_refused"] * 3]
    assert (await book(committers[0])).balance(available(USER, Bucket.REAL), usd("1").asset) == usd("-100.00")
    stream = streams.withdrawal(TENANT, known.withdrawal)
    assert (await committers[1].state(stream)).version == 4
