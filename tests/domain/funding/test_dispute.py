"""The life of a dispute: money taken once, given back once, however much of it we missed."""

from dataclasses import replace
from typing import Any

import pytest

from domain.funding import dispute as decider
from domain.funding.dispute import (
    DisputeChargedBack,
    DisputeLost,
    DisputeOpened,
    DisputeWon,
    RecordDispute,
)
from domain.funding.facts import FactMismatch
from domain.ids import DepositId, DisputeId
from domain.payments import DisputeFact
from tests.domain.funding.facts import AT, DEPOSIT, PAID_IN, STRIPE, TENANT, brl, dispute, line, usd
from tests.domain.given import given
from tests.domain.ledger.entries import USER

DISPUTE = DisputeId("c" * 32)
OPENED = DisputeOpened(
    dispute=DISPUTE, deposit=DEPOSIT, user=USER, provider=STRIPE, object="dp_1", amount=usd("100.00"),
    reason="fraudulent", occurred_at=AT,
)  # fmt: skip
TAKEN = DisputeChargedBack(dispute=DISPUTE, movement="txn_3", settled=usd("100.00"), fee=usd("15.00"), occurred_at=AT)
WON = DisputeWon(dispute=DISPUTE, movement="txn_4", settled=usd("100.00"), fee=usd("15.00"), occurred_at=AT)
LOST = DisputeLost(dispute=DISPUTE, occurred_at=AT)


def said(fact: DisputeFact) -> RecordDispute:
    return RecordDispute(dispute=DISPUTE, tenant=TENANT, deposit=PAID_IN, fact=fact)


def test_a_dispute_may_be_open_before_the_money_is_taken() -> None:
    given(decider).when(said(dispute(taken=None))).then(OPENED)
    given(decider, OPENED).when(said(dispute(taken=None))).nothing()
    given(decider, OPENED).when(said(dispute())).then(TAKEN)
    given(decider, OPENED, TAKEN).when(said(dispute())).nothing()


def test_what_was_missed_is_made_up_for_in_its_order() -> None:
    given(decider).when(said(dispute())).then(OPENED, TAKEN)
    given(decider).when(said(dispute("won"))).then(OPENED, TAKEN, WON)
    given(decider).when(said(dispute("lost"))).then(OPENED, TAKEN, LOST)


def test_won_is_booked_with_the_line_that_gives_the_money_back_and_waits_for_it() -> None:
    given(decider, OPENED, TAKEN).when(said(dispute("won", returned=None))).nothing()
    given(decider, OPENED, TAKEN).when(said(dispute("won"))).then(WON)
    given(decider, OPENED, TAKEN, WON).when(said(dispute("won"))).nothing()


def test_a_dispute_that_took_nothing_is_won_without_money() -> None:
    nothing = DisputeWon(dispute=DISPUTE, movement=None, settled=None, fee=None, occurred_at=AT)
    given(decider, OPENED).when(said(dispute("won", taken=None, returned=None))).then(nothing)
    given(decider, OPENED, nothing).when(said(dispute("won", taken=None, returned=None))).nothing()


def test_a_lost_dispute_may_be_won_after_all_and_a_won_one_is_not_lost() -> None:
    given(decider, OPENED, TAKEN, LOST).when(said(dispute("lost"))).nothing()
    given(decider, OPENED, TAKEN, LOST).when(said(dispute("won"))).then(WON)
    given(decider, OPENED, TAKEN, WON).when(said(dispute("lost"))).raises(FactMismatch, field="status")


def test_nothing_is_given_back_that_was_not_taken() -> None:
    given(decider, OPENED).when(said(dispute("won", taken=None))).raises(FactMismatch, field="taken")


def test_another_line_in_the_place_of_a_known_one_does_not_fit() -> None:
    taken = dispute(taken=line("txn_9", usd("100.00")))
    given(decider, OPENED, TAKEN).when(said(taken)).raises(FactMismatch, field="taken")
    returned = dispute("won", returned=line("txn_9", usd("100.00")))
    given(decider, OPENED, TAKEN, WON).when(said(returned)).raises(FactMismatch, field="returned")


LIES: dict[str, dict[str, Any]] = {
    "tenant": {"tenant": "evil"},
    "deposit": {"deposit": DepositId("0" * 32)},
    "provider": {"provider": "sandbox"},
    "payment": {"payment": "pi_other"},
    "asset": {"amount": brl("100.00")},
    "amount": {"amount": usd("100.01")},
}


@pytest.mark.parametrize("field", LIES)
@pytest.mark.parametrize("status", ["open", "won", "lost"])
def test_a_fact_that_does_not_fit_changes_nothing(field: str, status: str) -> None:
    given(decider).when(said(dispute(status, **LIES[field]))).raises(FactMismatch, field=field)
    given(decider, OPENED, TAKEN).when(said(dispute(status, **LIES[field]))).raises(FactMismatch, field=field)


def test_a_part_may_be_disputed_and_stays_the_same_part() -> None:
    part = dispute(amount=usd("40.00"), taken=line("txn_3", usd("40.00"), "15.00"))
    given(decider).when(said(part)).then(replace(OPENED, amount=usd("40.00")), replace(TAKEN, settled=usd("40.00")))
    given(decider, OPENED, TAKEN).when(said(part)).raises(FactMismatch, field="amount")
