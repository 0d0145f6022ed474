"""The life of a payout: on its way, arrived, or come back, even after it had arrived."""

from domain.funding import payout as decider
from domain.funding.facts import FactMismatch
from domain.funding.payout import PayoutArrived, PayoutCreated, PayoutFailed, RecordPayout
from domain.ids import PayoutId
from domain.payments import PayoutFact
from tests.domain.funding.facts import AT, STRIPE, brl, line, payout, usd
from tests.domain.given import given

PAYOUT = PayoutId("9" * 32)
CREATED = PayoutCreated(
    payout=PAYOUT, provider=STRIPE, bank="main", object="po_1", amount=usd("96.01"), movement="txn_5",
    fee=usd("0.00"), occurred_at=AT,
)  # fmt: skip
ARRIVED = PayoutArrived(payout=PAYOUT, occurred_at=AT)
FAILED = PayoutFailed(payout=PAYOUT, reason="account_closed", occurred_at=AT)


def said(fact: PayoutFact) -> RecordPayout:
    return RecordPayout(payout=PAYOUT, bank="main", fact=fact)


def test_a_payout_is_created_and_arrives_once() -> None:
    given(decider).when(said(payout())).then(CREATED)
    given(decider, CREATED).when(said(payout())).nothing()
    given(decider, CREATED).when(said(payout("arrived"))).then(ARRIVED)
    given(decider, CREATED, ARRIVED).when(said(payout("arrived"))).nothing()


def test_what_was_missed_is_made_up_for_in_its_order() -> None:
    given(decider).when(said(payout("arrived"))).then(CREATED, ARRIVED)


def test_an_older_word_comes_too_late() -> None:
    given(decider, CREATED, ARRIVED).when(said(payout())).nothing()


def test_a_payout_may_fail_even_after_it_had_arrived() -> None:
    failed = said(payout("failed", reason="account_closed"))
    given(decider, CREATED).when(failed).then(FAILED)
    given(decider, CREATED, ARRIVED).when(failed).then(FAILED)
    given(decider, CREATED, FAILED).when(failed).nothing()
    given(decider, CREATED, FAILED).when(said(payout("arrived"))).raises(FactMismatch, field="status")


def test_what_moved_nothing_is_not_booked() -> None:
    given(decider).when(said(payout("failed"))).nothing()
    given(decider).when(said(payout(movement=None))).nothing()


def test_a_fact_that_does_not_fit_changes_nothing() -> None:
    given(decider).when(said(payout(amount=brl("96.01")))).raises(FactMismatch, field="asset")
    given(decider, CREATED).when(said(payout("arrived", amount=usd("96.02")))).raises(FactMismatch, field="amount")
    given(decider, CREATED).when(said(payout("arrived", provider="sandbox"))).raises(FactMismatch, field="provider")
    another = payout("arrived", movement=line("txn_9", usd("96.01")))
    given(decider, CREATED).when(said(another)).raises(FactMismatch, field="movement")
