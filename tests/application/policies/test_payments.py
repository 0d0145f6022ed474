"""A provider's message is a hint: repeated, reordered, missing and forged ones leave the same books."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from itertools import permutations

import pytest

from application import streams
from application.commands import Command
from application.committer import Committer
from application.deposits import find_deposit
from application.disputes import dispute_id
from application.inbox import inbox_command_id, receive_provider_event
from application.open_withdrawals import OpenWithdrawalsOf
from application.policies.payments import AT_ONCE, PaymentsPolicy
from application.policies.runner import PolicyRunner
from application.ports import ProviderEvent
from application.provider_facts import Home
from application.store import Store, speak_hex_ids
from application.tasks import end
from application.wakeup import Wakeup
from domain.funding.deposit_events import Status
from domain.funding.dispute import Dispute
from domain.funding.dispute import Status as DisputeStatus
from domain.ids import DepositId
from domain.ledger.accounts import Bucket, available, held, receivable
from domain.ledger.book import Book
from domain.payments import ObjectKind, ProviderFact
from domain.withdrawals.terms import Status as WithdrawalStatus
from interfaces.postgres import connections
from interfaces.postgres.configuration import Urls
from tests.application import funded
from tests.application.desk import Desk
from tests.application.people import PEOPLE
from tests.application.withdrawing import USABLE, destined, requested
from tests.application.world import TENANT, an_id, committing, connect, envelope, reading, until
from tests.domain.funding import facts
from tests.domain.funding.facts import STRIPE, brl, usd
from tests.domain.ledger.entries import USER

pytestmark = pytest.mark.anyio

ID = funded.deposit_id("d")
BOOK = streams.book(TENANT, USER)


class Later:
    """A clock at the time when destinations of these tests are usable."""

    def now(self) -> datetime:
        return USABLE


def message(name: str, kind: ObjectKind | None, object_id: str | None) -> Command:
    """Return the recording of a message, which every delivery of it makes anew."""
    event = ProviderEvent(provider=STRIPE, id=name, kind=kind, object=object_id)
    said = replace(envelope(name, tenant="system"), command_id=inbox_command_id(event))
    return receive_provider_event(said, event)


def about(name: str, fact: ProviderFact) -> Command:
    kind = ObjectKind(type(fact).__name__.removesuffix("Fact").lower())
    return message(name, kind, fact.id)


@asynccontextmanager
async def following(database: Urls, desk: Desk, *, at_once: int = AT_ONCE) -> AsyncIterator[PolicyRunner]:
    """Run the policy over a committer of its own."""
    async with (
        committing(database) as committer,
        reading(database) as store,
        connections.pool(database.app, name="test-policy", size=2, configure=speak_hex_ids) as pool,
    ):
        wakeup = Wakeup(lambda: connect(database.app), "lastro_log")
        await wakeup.start()
        policy = PaymentsPolicy(
            committer=committer,
            providers={STRIPE: desk},
            clock=Later(),
            home=Home(tenant=TENANT, bank="main"),
            open_withdrawals=OpenWithdrawalsOf(committer),
        )
        runner = PolicyRunner(policy, store=store, committer=committer, pool=pool, wakeup=wakeup, at_once=at_once)
        task = asyncio.create_task(runner.run())
        try:
            yield runner
        finally:
            await end(task)
            await wakeup.stop()


async def told(  # noqa: PLR0917 - the fixtures, then who says what
    database: Urls, committer: Committer, store: Store, desk: Desk, messages: Sequence[Command]
) -> None:
    """Record messages and run the policy until it has reacted to all."""
    for one in messages:
        await committer.submit(one)
    head = await store.head()
    async with following(database, desk) as runner:
        await until(lambda: runner.progress.log_position >= head)


async def begun(committer: Committer, *more: Command) -> None:
    for command in (*PEOPLE, funded.asked("d", "100.00"), *more):
        assert not (await committer.submit(command)).refused


async def book(database: Urls) -> Book:
    async with committing(database) as fresh:
        state = (await fresh.state(BOOK)).state
    assert isinstance(state, Book)
    return state


async def wallet(database: Urls) -> str:
    return str(-(await book(database)).balance(available(USER, Bucket.REAL), usd("0.00").asset))


async def refusals(store: Store) -> list[bytes]:
    events = (await store.read_after(0, limit=1_000)).events
    return [bytes(event.state) for event in events if event.name == "policy.command_refused.v1"]


async def test_a_message_settles_the_deposit_that_it_is_about(
    database: Urls, committer: Committer, store: Store
) -> None:
    await begun(committer)
    desk = Desk()
    fact = funded.payment_of(await find_deposit(committer, TENANT, ID), fee="3.99")
    desk.says(fact)
    await told(database, committer, store, desk, [about("evt_1", fact)])
    names = [event.name for event in (await store.read_after(0, limit=1_000)).events][-5:]
    assert names == [
        "provider.event_received.v1", "deposit.settled.v1", "outside_fact.booked.v1", "ledger.entry_posted.v1",
        "ledger.entry_posted.v1",
    ]  # fmt: skip
    assert await wallet(database) == "100.00 USD"


async def test_a_message_is_on_record_once_and_a_repetition_changes_nothing(
    database: Urls, committer: Committer, store: Store
) -> None:
    await begun(committer)
    desk = Desk()
    fact = funded.payment_of(await find_deposit(committer, TENANT, ID))
    desk.says(fact)
    await told(database, committer, store, desk, [about(name, fact) for name in ("evt_1", "evt_1", "evt_2", "evt_3")])
    assert len(await store.read_stream(streams.inbox(STRIPE, "evt_1"))) == 1
    assert await wallet(database) == "100.00 USD"
    assert await refusals(store) == []


STEPS = ("pending", "paid", "dispute", "won")


@pytest.mark.parametrize("order", list(permutations(STEPS, 4))[::5], ids=" ".join)
async def test_in_whatever_order_messages_come_the_books_are_the_same(  # noqa: PLR0917 - fixtures come by name
    database: Urls, committer: Committer, store: Store, order: tuple[str, ...]
) -> None:
    await begun(committer)
    desk = Desk()
    known = replace(await find_deposit(committer, TENANT, ID), payment=f"pi_{ID[:8]}")
    payment, dispute = funded.payment_of(known, fee="3.99"), funded.dispute_of(known, "won", fee="15.00")
    desk.says(payment, dispute)
    sent: dict[str, ProviderFact] = {"pending": payment, "paid": payment, "dispute": dispute, "won": dispute}
    await told(database, committer, store, desk, [about(f"evt_{name}", sent[name]) for name in order])
    assert await wallet(database) == "100.00 USD"
    state = (await committer.state(streams.dispute(TENANT, dispute_id(TENANT, STRIPE, dispute.id)))).state
    assert isinstance(state, Dispute)
    assert state.status is DisputeStatus.WON
    posted = [event for event in (await store.read_after(0, limit=1_000)).events if "entry_posted" in event.name]
    assert len(posted) == 4


async def test_facts_about_what_is_not_ours_are_left_alone(database: Urls, committer: Committer, store: Store) -> None:
    await begun(committer)
    known = await find_deposit(committer, TENANT, ID)
    mine = funded.payment_of(known)
    strange: list[ProviderFact] = [
        replace(mine, id="pi_none", tenant=None, deposit=None),
        replace(mine, id="pi_nobody", deposit=DepositId(an_id("nobody's"))),
        replace(mine, id="pi_word", deposit=DepositId("../../etc")),
        replace(mine, id="pi_nowhere", tenant="nowhere"),
        replace(mine, id="pi_system", tenant="system"),
        replace(mine, id="pi_forged", tenant="acme:book-x"),
        facts.refund(id="re_1", refund=None),
        facts.dispute(id="dp_1", tenant=None, deposit=None, payment="pi_none"),
        facts.dispute(id="dp_2", tenant=None, deposit=None, payment="pi_unknown"),
    ]
    desk = Desk()
    desk.says(*strange)
    head = await store.head()
    messages = [about(f"evt_{number}", fact) for number, fact in enumerate(strange)]
    messages += [message("evt_a", None, None), message("evt_b", ObjectKind.PAYOUT, "po_gone")]
    await told(database, committer, store, desk, messages)
    assert await store.head() == head + len(messages)
    assert (await find_deposit(committer, TENANT, ID)).status is Status.REQUESTED


async def test_a_lie_is_refused_and_written_down(database: Urls, committer: Committer, store: Store) -> None:
    await begun(committer)
    known = await find_deposit(committer, TENANT, ID)
    lies = [
        replace(funded.payment_of(known), id="pi_more", amount=usd("1000.00")),
        replace(funded.payment_of(known), id="pi_other", amount=brl("100.00")),
        replace(funded.payment_of(known), id="pi_less", movement=facts.line("txn_7", usd("1.00"))),
    ]
    desk = Desk()
    desk.says(*lies)
    await told(database, committer, store, desk, [about(f"evt_{fact.id}", fact) for fact in lies])
    written = await refusals(store)
    assert len(written) == len(lies)
    assert all(b"fact_mismatch" in one for one in written)
    assert (await find_deposit(committer, TENANT, ID)).status is Status.REQUESTED
    assert await wallet(database) == "0.00 USD"


async def test_a_dispute_cancels_open_withdrawals_before_it_takes_the_money(
    database: Urls, committer: Committer, store: Store
) -> None:
    await begun(committer, destined())
    known = await find_deposit(committer, TENANT, ID)
    payment = funded.payment_of(known)
    await committer.submit(funded.says("paid", known, payment))
    for name, value in (("w1", "50.00"), ("w2", "20.00")):
        assert not (await committer.submit(requested(name, value))).refused
    desk = Desk()
    dispute = funded.dispute_of(await find_deposit(committer, TENANT, ID), fee="15.00")
    desk.says(payment, dispute)
    await told(database, committer, store, desk, [about("evt_1", dispute), about("evt_2", dispute)])
    for name in ("w1", "w2"):
        state = (await committer.state(streams.withdrawal(TENANT, an_id(name)))).state
        assert state.status is WithdrawalStatus.CANCELLED
    after = await book(database)
    asset = usd("0.00").asset
    assert {str(after.balance(account, asset)) for account in (
        available(USER, Bucket.REAL), held(USER, Bucket.REAL), receivable(USER)
    )} == {"0.00 USD"}  # fmt: skip
    assert await refusals(store) == []


async def test_payouts_are_in_the_books_of_the_providers_home(
    database: Urls, committer: Committer, store: Store
) -> None:
    await begun(committer)
    desk = Desk()
    desk.says(facts.payout("arrived"))
    await told(database, committer, store, desk, [message("evt_1", ObjectKind.PAYOUT, "po_1")])
    names = [event.name for event in (await store.read_after(0, limit=1_000)).events][-5:]
    assert names == [
        "payout.created.v1", "payout.arrived.v1", "outside_fact.booked.v1", "ledger.entry_posted.v1",
        "ledger.entry_posted.v1",
    ]  # fmt: skip


async def test_a_provider_that_is_silent_for_a_while_is_asked_again(database: Urls, committer: Committer) -> None:
    await begun(committer)
    desk = Desk(silent_before=True)
    fact = funded.payment_of(await find_deposit(committer, TENANT, ID))
    desk.says(fact)
    await committer.submit(about("evt_1", fact))
    async with following(database, desk) as runner:
        await until(lambda: runner.progress.unknown is not None)
        desk.silent_before = False
        await until(lambda: runner.progress.unknown is None)
    assert await wallet(database) == "100.00 USD"


async def test_two_workers_that_follow_the_same_messages_settle_each_deposit_once(
    database: Urls, committer: Committer, store: Store
) -> None:
    names = [f"d{number}" for number in range(12)]
    await begun(committer, *(funded.asked(name, "10.00") for name in names))
    desk = Desk()
    for name in names:
        known = await find_deposit(committer, TENANT, funded.deposit_id(name))
        fact = funded.payment_of(known)
        desk.says(fact)
        for copy in ("created", "succeeded"):
            await committer.submit(about(f"evt_{copy}_{name}", fact))
    head = await store.head()
    async with following(database, desk) as one, following(database, desk, at_once=1) as another:
        await until(lambda: min(one.progress.log_position, another.progress.log_position) >= head)
    assert await wallet(database) == "120.00 USD"
    assert await refusals(store) == []
