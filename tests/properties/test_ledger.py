"""Invariants 1–6, 12 and 13 hold over any history; without any one of the rules that keep them, they do not."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.codec import decode
from application.commands import Body, Command
from application.deciders import DECIDERS, Decider, decider_of
from application.store import Store
from application.work import Work
from domain.ids import EntryId
from domain.ledger.accounts import HOUSE, BookOf, describe
from domain.ledger.book import PostEntry
from domain.ledger.entry import JournalEntry
from interfaces.postgres.configuration import Urls
from tests.application.outcomes import together, words
from tests.application.world import committing, flow, reading
from tests.properties import moves
from tests.properties.invariants import Append, Ledger, check
from tests.properties.moves import FOUNDATION, Company

MOVES = 60
HAPPENS = (
    "transfer", "reversal", "fill", "adjustment", "deposit", "ReferenceClaimed", "OrderRejected", "DepositSettled",
    "DepositFailed", "RefundSettled", "RefundFailed", "DisputeChargedBack", "DisputeWon", "DisputeLost",
    "PayoutArrived", "PayoutFailed", "ReceiptIdentified", "WithdrawalRequested", "WithdrawalCancelled",
    "WithdrawalPaid", "WithdrawalFailed", "WithdrawalReturned", "TransferMade", "QuoteAccepted", "FxCovered",
    "WriteOffMade", "WriteOffRecovered", "AllowanceSet", "AllowanceUsed", "client_money_topped_up", "earnings_swept",
)  # fmt: skip
MONEY = (
    "request_deposit", "record_payment", "request_refund", "record_refund", "record_dispute", "record_payout",
    "request_withdrawal", "cancel_withdrawal", "approve_withdrawal", "pay_withdrawal", "make_transfer",
    "ask_for_quote", "accept_quote", "identify_receipt", "write_off", "recover_write_off", "move_client_money",
)  # fmt: skip
"""Commands of money in and out: at least half of them is accepted, and some of each."""
RACING = frozenset({
    "post_entry", "test", "request_deposit", "record_payout", "record_receipt", "request_withdrawal", "make_transfer",
    "ask_for_quote", "set_allowance", "move_client_money",
})  # fmt: skip
"""Commands that need no earlier one, so that they may come in any order."""


def test_the_invariants_hold_over_any_history_of_which_half_is_accepted() -> None:
    tally, tried, done = Counter[str](), Counter[str](), Counter[str]()

    @settings(max_examples=90, deadline=None)
    @given(random=st.randoms(use_true_random=True))
    def live(random: Random) -> None:
        company, ledger = Company(random), Ledger()
        ledger_at = 0
        for _ in company.live(MOVES):
            for append in company.appends[ledger_at:]:
                ledger.take(append)
            ledger_at = len(company.appends)
        tally.update(accepted=company.accepted, refused=company.refused)
        tried.update(company.tried)
        done.update(company.done)
        tally.update(type(event).__name__ for append in company.appends for _, event in append)
        tally.update(entry.kind for entry in ledger.entries.values())

    live()
    assert tally["accepted"] >= tally["refused"] > 0
    for happened in HAPPENS:
        assert tally[happened], f"no history has a {happened}"
    money = {name: (done[name], tried[name]) for name in MONEY}
    assert 2 * sum(count for count, _ in money.values()) >= sum(asked for _, asked in money.values()), money
    assert all(count for count, _ in money.values()), money


def breaks_somewhere(seeds: int = 40) -> set[str]:
    """Return what breaks first in each of many histories."""
    broken = set()
    for seed in range(seeds):
        company = Company(Random(seed))
        try:
            for _ in company.live(MOVES):
                pass
            check(company.appends)
        except AssertionError as error:
            broken.add(str(error))
    return broken


def test_nothing_breaks_while_all_rules_stand() -> None:
    assert breaks_somewhere() == set()


# Each rule that keeps them, taken away; and the invariant that then breaks first.


def unbalanced(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("domain.ledger.entry._check_balance", lambda _: None)


def unguarded(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("domain.ledger.book._guarded", lambda book, _: dict(book.balances))


def half_transferred(patch: pytest.MonkeyPatch) -> None:
    whole = moves.transfer

    def half(key: str, source: str, target: str, *, amount: str) -> Command:
        both = whole(key, source, target, amount=amount)

        def decide(work: Work) -> Body:
            both.decide(work)
            work.written.pop()
            return {}

        return replace(both, decide=decide)

    patch.setattr("tests.properties.moves.transfer", half)


def at_two_moments(patch: pytest.MonkeyPatch) -> None:
    whole = flow

    def earlier(text: str, *, id: str, kind: str) -> PostEntry:
        posting = whole(text, id=id, kind=kind)
        at = posting.entry.effective_at - timedelta(seconds=text.startswith("clearing"))
        return replace(posting, entry=replace(posting.entry, effective_at=at))

    patch.setattr("tests.properties.moves.flow", earlier)


def unreserved(patch: pytest.MonkeyPatch) -> None:
    for module in ("application.ledger", "domain.ledger.book"):
        patch.setattr(f"{module}.check_manual", lambda _: None)


def of_the_first_owner(patch: pytest.MonkeyPatch) -> None:
    def first(entry: JournalEntry) -> BookOf:
        books = [describe(posting.account).book for posting in entry.postings]
        return next((book for book in books if book != HOUSE), HOUSE)

    patch.setattr("domain.ledger.book.book_of", first)


def reversed_again(patch: pytest.MonkeyPatch) -> None:
    unclaimed = replace(DECIDERS["reversal"], decide=lambda _, command: (command,))
    patch.setitem(cast("dict[str, Decider]", DECIDERS), "reversal", unclaimed)


def reversals_reversed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("domain.ledger.book.is_manual", lambda _: True)
    unreserved(patch)


def copied(patch: pytest.MonkeyPatch) -> None:
    def copy(original: JournalEntry, *, id: EntryId, **_: object) -> JournalEntry:
        return replace(original, id=id, kind="reversal", reference=original.id, reverses=original.id)

    patch.setattr("domain.ledger.book.reversal_of", copy)


def unbooked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("application.execution.entries.entry", lambda *_, **__: None)


def uncovered(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("domain.paper._rejection", lambda *_, **__: None)


MUTATIONS: dict[Callable[[pytest.MonkeyPatch], None], str] = {
    unbalanced: "1: ",
    unguarded: "3: ",
    half_transferred: "4: clearing",
    at_two_moments: "4: entries",
    unreserved: "12: reserved",
    of_the_first_owner: "12: one book",
    reversed_again: "13: an entry is reversed once",
    reversals_reversed: "13: a reversal is not",
    copied: "13: a reversal negates",
    unbooked: "6: conversion",
    uncovered: "a paper venue",
}


@pytest.mark.parametrize("without", MUTATIONS, ids=lambda without: without.__name__)
def test_without_any_one_of_the_rules_an_invariant_breaks(
    without: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch)
    decider_of.cache_clear()
    try:
        broken = breaks_somewhere()
    finally:
        decider_of.cache_clear()
    assert any(what.startswith(MUTATIONS[without]) for what in broken), broken


# The same through the real committer and database, with a model in memory beside it, and with rivals.


async def decided(store: Store) -> list[Append]:
    """Return the log as appends of (stream, event)."""
    appends: list[list[tuple[str, Any]]] = []
    for recorded in (await store.read_after(0, limit=100_000)).events:
        if recorded.append_index == 1:
            appends.append([])
        appends[-1].append((recorded.stream, decode(recorded.name, recorded.state)))
    return [*appends]


@pytest.mark.anyio
@pytest.mark.parametrize("seed", [1, 2])
async def test_the_committer_decides_as_the_model_does(seed: int, database: Urls) -> None:
    async with committing(database) as committer, reading(database) as store:
        for one in FOUNDATION:
            await committer.submit(one)
        company = Company(Random(seed))
        for _ in company.live(MOVES):
            for one in company.asked:  # a later step of a move decides on what an earlier one left
                await together(committer, one)
            company.asked.clear()
        assert await decided(store) == [append for append in company.appends if append]
        check(await decided(store))


@pytest.mark.anyio
async def test_the_invariants_hold_while_committers_race(database: Urls) -> None:
    """Several companies live the same days at once: their commands meet on the same books in another order."""
    async with AsyncExitStack() as stack:
        committers = [await stack.enter_async_context(committing(database)) for _ in range(3)]
        for one in FOUNDATION:
            await committers[0].submit(one)
        asked: list[Command] = []
        for seed in range(4):
            company = Company(Random(seed), name=str(seed))
            for _ in company.live(MOVES):
                pass
            asked += [one for one in company.asked if one.name in RACING]
        answers = await asyncio.gather(
            *(committers[n % 3].submit(one) for n, one in enumerate(asked)), return_exceptions=True
        )
        assert words(answers).count("done") * 2 >= len(answers)
        assert sum(committer.statistics.losses for committer in committers)
    async with reading(database) as store:
        check(await decided(store))
