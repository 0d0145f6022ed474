"""Asking a provider: on record first, once in effect, and never taken for failed because it did not answer."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from application import streams
from application.committer import Committer
from application.deposits import ask_for_payment, client_secret, find_deposit
from application.policies.waiting import NEVER_CREATED, Waiting, Waits
from application.provider_facts import Home
from application.refunds import ask_for_refund, find_refund
from application.store import Store
from domain.claims import AlreadyBooked
from domain.four_eyes import SelfApproval
from domain.funding.deposit import Deposit
from domain.funding.deposit_events import DepositReturnReserved, MoreThanDeposited, Status, UnknownDeposit
from domain.funding.facts import FactMismatch
from domain.funding.receipt import AlreadyIdentified
from domain.funding.refund import Refund, RefundRequested
from domain.funding.refund import Status as RefundStatus
from domain.ids import UserId
from domain.ledger.book import InsufficientFunds
from domain.ledger.entry import EntryPosted
from domain.payments import DisputeStatus, ObjectKind
from domain.users import NotActive, UnknownUser
from domain.withdrawals.withdrawal import Withdrawal
from tests.application import funded
from tests.application.desk import Desk
from tests.application.memory import Memory
from tests.application.people import ANA, FINANCE, PEOPLE, suspended
from tests.application.world import NOW, TENANT, an_id, booking, envelope
from tests.domain.funding.facts import STRIPE, line, usd
from tests.domain.ledger.entries import USER

ID = funded.deposit_id("d")
MINUTES_OF_LOOKS = [0, 2, 5, 9, 14, 21]
MINUTES = timedelta(minutes=5)


@pytest.fixture
def memory() -> Memory:
    return Memory().given(*PEOPLE, funded.asked("d", "100.00"))


def paid_in(memory: Memory) -> Deposit:
    memory.given(funded.says("paid", funded.deposit(memory, "d"), funded.payment_of(funded.deposit(memory, "d"))))
    return funded.deposit(memory, "d")


def test_only_who_is_active_pays_in() -> None:
    memory = Memory().given(*PEOPLE, suspended(ANA))
    memory.when(funded.asked("d", "1.00", user=ANA)).raises(NotActive)


def test_a_payment_settled_by_another_line_that_is_booked_already_is_refused(memory: Memory) -> None:
    known = paid_in(memory)
    memory.given(funded.asked("e", "100.00"))
    other = funded.deposit(memory, "e")
    fact = funded.payment_of(other)
    assert known.movement is not None
    stolen = line(known.movement, usd("100.00"))
    memory.when(funded.says("e", other, replace(fact, movement=stolen))).raises(AlreadyBooked, by=known.deposit)


def test_a_fact_about_another_tenant_is_refused_there_and_here(memory: Memory) -> None:
    known = funded.deposit(memory, "d")
    evil = replace(funded.payment_of(known), tenant="evil")
    memory.when(funded.says("evil", known, evil)).raises(FactMismatch, field="tenant", known=TENANT, said="evil")
    memory.when(funded.says("there", known, evil, tenant="evil")).raises(UnknownDeposit)


def test_nobody_refunds_their_own_and_no_more_than_is_left_and_there(memory: Memory) -> None:
    known = paid_in(memory)
    memory.when(funded.refunded("mine", known, "10.00", by=USER)).raises(SelfApproval)
    memory.when(funded.refunded("r", known, "100.01")).raises(MoreThanDeposited)
    memory.given(booking("spent", "user:real:available +40.00 | psp:stripe -40.00", kind="refund_settled"))
    memory.when(funded.refunded("r", known)).raises(InsufficientFunds)
    memory.given(funded.refunded("r", known, "60.00"))
    memory.when(funded.refunded("again", known, "40.01")).raises(MoreThanDeposited)


def test_a_refund_that_failed_can_be_asked_for_again(memory: Memory) -> None:
    known = paid_in(memory)
    memory.given(funded.refunded("r", known))
    one = funded.refund(memory, "r")
    memory.given(funded.says_refund("failed", one, funded.refund_of(one, "failed")))
    memory.given(funded.refunded("second", known))
    assert funded.refund(memory, "second").amount == usd("100.00")


def test_a_dispute_that_is_won_leaves_the_deposit_to_be_refunded(memory: Memory) -> None:
    known = paid_in(memory)
    memory.given(funded.says_dispute("open", known, funded.dispute_of(known)))
    assert not funded.deposit(memory, "d").left
    memory.given(funded.says_dispute("won", known, funded.dispute_of(known, "won")))
    assert funded.deposit(memory, "d").left == usd("100.00")


def test_an_inquiry_that_was_closed_sets_nothing_aside_until_the_money_is_taken_after_all(memory: Memory) -> None:
    known = paid_in(memory)
    inquiry = replace(funded.dispute_of(known), taken=None)
    memory.given(funded.says_dispute("asked", known, inquiry))
    memory.when(funded.refunded("early", known, "0.01")).raises(MoreThanDeposited)
    closed = replace(inquiry, status=DisputeStatus.WON)
    memory.given(funded.says_dispute("closed", known, closed))
    memory.when(funded.refunded("r", known, "30.00")).appends(RefundRequested, DepositReturnReserved, EntryPosted)
    memory.given(funded.says_dispute("taken", known, funded.dispute_of(known)))
    assert str(funded.deposit(memory, "d").left) == "-30.00 USD"
    memory.when(funded.refunded("late", known, "0.01")).raises(MoreThanDeposited)


def test_a_line_of_a_banks_statement_is_booked_once(memory: Memory) -> None:
    memory.given(funded.received("one", "100.00", line="17"))
    memory.when(funded.received("two", "100.00", line="17")).raises(AlreadyBooked, movement="17")


def test_a_receipt_has_one_owner_who_exists_and_is_not_oneself(memory: Memory) -> None:
    memory.given(funded.received("r", "100.00"))
    memory.when(funded.identified(memory, "r", user=UserId("0" * 32))).raises(UnknownUser)
    memory.when(funded.identified(memory, "r", user=FINANCE)).raises(SelfApproval)
    memory.given(funded.identified(memory, "r"))
    memory.when(funded.identified(memory, "r", user=ANA)).raises(AlreadyIdentified, user=USER)


class Now:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.time: datetime = NOW

    def now(self) -> datetime:
        return self.time


async def requested(committer: Committer) -> None:
    for command in (*PEOPLE, funded.asked("d", "100.00")):
        assert not (await committer.submit(command)).refused


ASKED = envelope("deposit d", actor=USER)


@pytest.mark.anyio
async def test_the_provider_is_asked_once_and_its_first_answer_is_given_again(committer: Committer) -> None:
    await requested(committer)
    desk = Desk()
    first = await ask_for_payment(committer, {STRIPE: desk}, ASKED, deposit=ID)
    assert first.body == {"id": ID, "status": "pending", "amount": {"value": "100.00", "asset": "USD"}}
    again = await ask_for_payment(committer, {STRIPE: desk}, ASKED, deposit=ID)
    assert (again.replayed, again.body, desk.asked[ID]) == (True, first.body, 1)
    known = await find_deposit(committer, TENANT, ID)
    assert await client_secret({STRIPE: desk}, known) == f"pi_{ID[:8]}_secret"
    desk.silent_before = True
    assert await client_secret({STRIPE: desk}, known) is None


@pytest.mark.anyio
@pytest.mark.parametrize("done", [False, True])
async def test_silence_is_not_failure_and_looking_settles_it(committer: Committer, store: Store, done: bool) -> None:
    await requested(committer)
    desk = Desk(silent_before=not done, silent_after=done)
    answered = await ask_for_payment(committer, {STRIPE: desk}, ASKED, deposit=ID)
    assert answered.body["status"] == "pending_provider"
    desk.silent_before = desk.silent_after = False
    await looking_after(committer, desk, kind=ObjectKind.PAYMENT, id=ID).look()
    known = await find_deposit(committer, TENANT, ID)
    assert known.status is (Status.PENDING if done else Status.FAILED)
    names = [event.name for event in await store.read_stream(streams.deposit(TENANT, ID))]
    assert names[:2] == ["deposit.requested.v1", "deposit.outcome_unknown.v1"]


@pytest.mark.anyio
async def test_a_refusal_fails_the_deposit_and_tells_why(committer: Committer, store: Store) -> None:
    await requested(committer)
    desk = Desk(refuses="amount_too_small")
    answered = await ask_for_payment(committer, {STRIPE: desk}, ASKED, deposit=ID)
    assert answered.body["status"] == "failed"
    *_, last = await store.read_stream(streams.deposit(TENANT, ID))
    assert b"amount_too_small" in last.state


@pytest.mark.anyio
async def test_a_deposit_whose_process_died_before_it_asked_ends_when_it_is_looked_after(
    committer: Committer, store: Store
) -> None:
    await requested(committer)
    assert await looking_after(committer, Desk(), kind=ObjectKind.PAYMENT, id=ID).look() == 1
    assert (await find_deposit(committer, TENANT, ID)).status is Status.FAILED
    *_, last = await store.read_stream(streams.deposit(TENANT, ID))
    assert NEVER_CREATED.encode() in last.state


@pytest.mark.anyio
async def test_a_message_that_never_came_is_made_up_for(committer: Committer, store: Store) -> None:
    await requested(committer)
    desk = Desk()
    await ask_for_payment(committer, {STRIPE: desk}, ASKED, deposit=ID)
    desk.says(funded.payment_of(await find_deposit(committer, TENANT, ID), fee="3.99"))
    waiting = looking_after(committer, desk, kind=ObjectKind.PAYMENT, id=ID)
    await waiting.look()
    assert (await find_deposit(committer, TENANT, ID)).status is Status.SETTLED
    assert len(await store.read_stream(streams.book(TENANT, USER))) == 1


@pytest.mark.anyio
async def test_what_waits_is_looked_after_more_seldom_the_longer_it_waits(committer: Committer) -> None:
    await requested(committer)
    desk = Desk()
    await ask_for_payment(committer, {STRIPE: desk}, ASKED, deposit=ID)
    clock = Now()
    waiting = looking_after(committer, desk, kind=ObjectKind.PAYMENT, id=ID, clock=clock)
    looks = []
    for minute in range(60):
        clock.time = NOW + timedelta(minutes=minute)
        looks += [minute] * await waiting.look()
    assert looks[: len(MINUTES_OF_LOOKS)] == MINUTES_OF_LOOKS


@pytest.mark.anyio
async def test_a_refund_that_the_provider_never_heard_of_is_asked_for_again(committer: Committer) -> None:
    await requested(committer)
    desk = Desk()
    await ask_for_payment(committer, {STRIPE: desk}, ASKED, deposit=ID)
    known = await find_deposit(committer, TENANT, ID)
    await committer.submit(funded.says("paid", known, funded.payment_of(known)))
    refund = an_id("refund r")
    await committer.submit(funded.refunded("r", known, "30.00"))
    desk.silent_before = True
    asked = envelope("refund r", actor=FINANCE)
    said = await ask_for_refund(committer, {STRIPE: desk}, asked, refund=refund)
    assert said.body["status"] == "pending_provider"
    desk.silent_before = False
    await looking_after(committer, desk, kind=ObjectKind.REFUND, id=refund).look()
    one = await find_refund(committer, TENANT, refund)
    assert (one.status, desk.asked[refund]) == (RefundStatus.PENDING, 2)
    desk.says(funded.refund_of(one))
    await looking_after(committer, desk, kind=ObjectKind.REFUND, id=refund).look()
    settled = await find_refund(committer, TENANT, refund)
    assert isinstance(settled, Refund)
    assert settled.status is RefundStatus.SETTLED


def looking_after(committer: Committer, desk: Desk, *, kind: ObjectKind, id: str, clock: Now | None = None) -> Waiting:
    """Return what looks after one thing that waits since the beginning."""
    waits = Waits(tenant=TENANT, kind=kind, id=id, provider=STRIPE, since=NOW - MINUTES)

    async def find(before: object) -> list[Waits]:  # noqa: ARG001 - the port's signature
        return [waits]

    async def no_withdrawals(tenant: str, user: UserId) -> list[Withdrawal]:  # noqa: ARG001 - the same
        return []

    return Waiting(
        committer=committer,
        providers={STRIPE: desk},
        clock=clock or Now(),
        home=Home(tenant=TENANT, bank="main"),
        open_withdrawals=no_withdrawals,
        find=find,
    )
