"""The life of a deposit: settled once, by a fact that fits, whatever order facts come in."""

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from domain.funding import deposit
from domain.funding.deposit import (
    RecordPayment,
    RecordRefusal,
    RecordSilence,
    ReleaseReturn,
    RequestDeposit,
    ReserveReturn,
)
from domain.funding.deposit_events import (
    DepositCancelled,
    DepositExists,
    DepositFailed,
    DepositOutcomeUnknown,
    DepositPaymentCreated,
    DepositReturnReleased,
    DepositReturnReserved,
    DepositSettled,
    InvalidDeposit,
    MoreThanDeposited,
    NotSettled,
    Status,
    UnknownDeposit,
)
from domain.funding.facts import FactMismatch
from domain.ids import DepositId
from domain.payments import PaymentFact
from tests.domain.funding.facts import (
    AT,
    CREATED,
    DEPOSIT,
    PAID_IN,
    REQUESTED,
    SETTLED,
    STRIPE,
    TENANT,
    brl,
    line,
    payment,
    usd,
)
from tests.domain.given import given
from tests.domain.ledger.entries import USER

REQUEST = RequestDeposit(deposit=DEPOSIT, user=USER, provider=STRIPE, amount=usd("100.00"), occurred_at=AT)
SILENT = DepositOutcomeUnknown(deposit=DEPOSIT, occurred_at=AT)


def said(fact: PaymentFact) -> RecordPayment:
    return RecordPayment(tenant=TENANT, fact=fact)


def test_a_deposit_is_on_record_before_the_provider_is_asked() -> None:
    given(deposit).when(REQUEST).then(REQUESTED)
    given(deposit, REQUESTED).when(REQUEST).raises(DepositExists)


def test_a_deposit_is_above_zero_and_small_enough_to_be_posted() -> None:
    for units in (0, -1, 10**30):
        given(deposit).when(replace(REQUEST, amount=REQUEST.amount.asset.amount(units))).raises(InvalidDeposit)


def test_nothing_is_said_of_a_deposit_that_nobody_asked_for() -> None:
    given(deposit).when(said(payment())).raises(UnknownDeposit)


def test_a_silent_provider_leaves_the_deposit_pending_there_and_a_query_settles_it() -> None:
    given(deposit, REQUESTED).when(RecordSilence(occurred_at=AT)).then(SILENT)
    given(deposit, REQUESTED, SILENT).when(RecordSilence(occurred_at=AT)).nothing()
    given(deposit, REQUESTED, SILENT).when(said(payment("pending"))).then(CREATED)
    given(deposit, REQUESTED, SILENT).when(said(payment())).then(SETTLED)


def test_a_refusal_ends_only_what_the_provider_knows_nothing_of() -> None:
    refusal = RecordRefusal(reason="amount_too_small", occurred_at=AT)
    failed = DepositFailed(deposit=DEPOSIT, reason="amount_too_small", occurred_at=AT)
    given(deposit, REQUESTED).when(refusal).then(failed)
    given(deposit, REQUESTED, SILENT).when(refusal).then(failed)
    given(deposit, REQUESTED, CREATED).when(refusal).nothing()
    given(deposit, REQUESTED, SETTLED).when(refusal).nothing()


def test_a_payment_settles_once() -> None:
    given(deposit, REQUESTED).when(said(payment())).then(SETTLED)
    given(deposit, REQUESTED, CREATED).when(said(payment())).then(SETTLED)
    given(deposit, REQUESTED, CREATED, SETTLED).when(said(payment())).nothing()
    another = payment(movement=line("txn_9", usd("100.00")))
    given(deposit, REQUESTED, SETTLED).when(said(another)).raises(FactMismatch, field="movement")


def test_a_payment_is_settled_only_with_its_line_of_the_providers_account() -> None:
    given(deposit, REQUESTED, CREATED).when(said(payment(movement=None))).nothing()
    given(deposit, REQUESTED).when(said(payment(movement=None))).then(CREATED)


def test_a_payment_that_came_to_nothing_ends_the_deposit_once() -> None:
    failed = DepositFailed(deposit=DEPOSIT, reason="card_declined", occurred_at=AT)
    cancelled = DepositCancelled(deposit=DEPOSIT, reason="cancelled", occurred_at=AT)
    given(deposit, REQUESTED, CREATED).when(said(payment("failed", reason="card_declined"))).then(failed)
    given(deposit, REQUESTED, CREATED).when(said(payment("cancelled"))).then(cancelled)
    given(deposit, REQUESTED, CREATED, failed).when(said(payment("failed"))).nothing()


def test_money_that_is_there_is_booked_though_the_deposit_had_ended() -> None:
    failed = DepositFailed(deposit=DEPOSIT, reason="never_created", occurred_at=AT)
    given(deposit, REQUESTED, failed).when(said(payment())).then(SETTLED)


def test_money_that_was_there_does_not_vanish_by_failing() -> None:
    given(deposit, REQUESTED, SETTLED).when(said(payment("failed"))).raises(FactMismatch, field="status")
    given(deposit, REQUESTED, SETTLED).when(said(payment("pending"))).nothing()


LIES: dict[str, dict[str, Any]] = {
    "tenant": {"tenant": "evil"},
    "deposit": {"deposit": DepositId("0" * 32)},
    "provider": {"provider": "sandbox"},
    "payment": {"id": "pi_other"},
    "amount": {"amount": usd("1000.00")},
}


@pytest.mark.parametrize("field", LIES)
@pytest.mark.parametrize("status", ["pending", "succeeded", "failed", "cancelled"])
def test_a_fact_that_does_not_fit_changes_nothing(field: str, status: str) -> None:
    lie = said(payment(status, **LIES[field]))
    given(deposit, REQUESTED, CREATED).when(lie).raises(FactMismatch, field=field)
    given(deposit, REQUESTED, CREATED, SETTLED).when(lie).raises(FactMismatch, field=field)


def test_a_fact_in_another_asset_does_not_fit() -> None:
    given(deposit, REQUESTED).when(said(payment(amount=brl("100.00")))).raises(
        FactMismatch, field="amount", known="100.00 USD", said="100.00 BRL"
    )


def test_a_fact_that_names_nobody_is_nobodys() -> None:
    given(deposit, REQUESTED).when(said(payment(tenant=None))).raises(FactMismatch, field="tenant")
    given(deposit, REQUESTED).when(said(payment(deposit=None))).raises(FactMismatch, field="deposit")


def test_a_line_of_the_account_fits_its_payment() -> None:
    for settled, fee in ((usd("99.00"), "0.00"), (brl("0.00"), "0.00"), (usd("100.00"), "-1.00")):
        wrong = payment(movement=line("txn_1", settled, fee))
        given(deposit, REQUESTED).when(said(wrong)).raises(FactMismatch)
    other_fee = replace(line("txn_1", usd("100.00")), fee=brl("1.00"))
    given(deposit, REQUESTED).when(said(payment(movement=other_fee))).raises(FactMismatch, field="fee")


def test_a_provider_may_settle_in_another_currency() -> None:
    in_dollars = payment(amount=brl("100.00"), movement=line("txn_1", usd("18.20"), "0.73"))
    (settled,) = deposit.decide(deposit.evolve(None, replace(REQUESTED, amount=brl("100.00"))), said(in_dollars))
    assert isinstance(settled, DepositSettled)
    assert (settled.amount, settled.settled, settled.fee) == (brl("100.00"), usd("18.20"), usd("0.73"))


FACTS = {
    "pending": payment("pending"),
    "no line yet": payment(movement=None),
    "succeeded": payment(),
    "again": payment(),
    "late": payment("pending"),
}


@pytest.mark.parametrize("order", list(permutations(FACTS)), ids=" ".join)
def test_in_whatever_order_facts_come_the_deposit_is_settled_once(order: tuple[str, ...]) -> None:
    state: deposit.State = deposit.evolve(None, REQUESTED)
    settled = 0
    for name in order:
        for event in deposit.decide(state, said(FACTS[name])):
            state = deposit.evolve(state, event)
            settled += isinstance(event, DepositSettled)
    assert state is not None
    assert (state.status, settled) == (Status.SETTLED, 1)


def test_no_more_goes_back_than_came_in() -> None:
    reserved = DepositReturnReserved(deposit=DEPOSIT, by="r1", amount=usd("70.00"))
    given(deposit, REQUESTED, CREATED).when(ReserveReturn(by="r1", amount=usd("1.00"))).raises(
        NotSettled, status="pending"
    )
    given(deposit, REQUESTED, SETTLED).when(ReserveReturn(by="r1", amount=usd("70.00"))).then(reserved)
    paid_back = given(deposit, REQUESTED, SETTLED, reserved)
    paid_back.when(ReserveReturn(by="r1", amount=usd("70.00"))).nothing()
    paid_back.when(ReserveReturn(by="r2", amount=usd("30.01"))).raises(
        MoreThanDeposited, left={"value": "30.00", "asset": "USD"}
    )


def test_a_dispute_takes_what_was_refunded_already_all_the_same() -> None:
    reserved = DepositReturnReserved(deposit=DEPOSIT, by="r1", amount=usd("70.00"))
    taken = ReserveReturn(by="x1", amount=usd("100.00"), taken=True)
    given(deposit, REQUESTED, SETTLED, reserved).when(taken).then(
        DepositReturnReserved(deposit=DEPOSIT, by="x1", amount=usd("100.00"))
    )


def test_what_does_not_go_back_after_all_can_go_back_later() -> None:
    reserved = DepositReturnReserved(deposit=DEPOSIT, by="r1", amount=usd("70.00"))
    released = DepositReturnReleased(deposit=DEPOSIT, by="r1", amount=usd("70.00"))
    given(deposit, REQUESTED, SETTLED, reserved).when(ReleaseReturn(by="r1")).then(released)
    given(deposit, REQUESTED, SETTLED, reserved, released).when(ReleaseReturn(by="r1")).nothing()
    assert given(deposit, REQUESTED, SETTLED, reserved, released).state == PAID_IN


def test_a_payment_known_to_the_provider_stays_the_same() -> None:
    assert isinstance(CREATED, DepositPaymentCreated)
    given(deposit, REQUESTED, CREATED).when(said(payment("pending"))).nothing()
