"""The life of a refund: asked back once, gone once, or the user's again."""

from typing import Any

import pytest

from domain.four_eyes import SelfApproval
from domain.funding import refund as decider
from domain.funding.deposit import RecordRefusal, RecordSilence
from domain.funding.facts import FactMismatch
from domain.funding.refund import (
    InvalidRefund,
    RecordRefund,
    RefundAccepted,
    RefundExists,
    RefundFailed,
    RefundOutcomeUnknown,
    RefundRequested,
    RefundSettled,
    RequestRefund,
    UnknownRefund,
)
from domain.ids import RefundId
from domain.payments import RefundFact
from tests.domain.funding.facts import AT, DEPOSIT, FINANCE, REFUND, STRIPE, TENANT, brl, line, refund, usd
from tests.domain.given import given
from tests.domain.ledger.entries import USER


def asked(amount: str = "30.00", *, by: str = FINANCE) -> RequestRefund:
    return RequestRefund(
        refund=REFUND, deposit=DEPOSIT, user=USER, provider=STRIPE, payment="pi_1", amount=usd(amount), by=by,
        occurred_at=AT,
    )  # fmt: skip


def said(fact: RefundFact) -> RecordRefund:
    return RecordRefund(tenant=TENANT, fact=fact)


REQUESTED = RefundRequested(
    refund=REFUND, deposit=DEPOSIT, user=USER, provider=STRIPE, payment="pi_1", amount=usd("30.00"), by=FINANCE,
    occurred_at=AT,
)  # fmt: skip
SILENT = RefundOutcomeUnknown(refund=REFUND, occurred_at=AT)
ACCEPTED = RefundAccepted(refund=REFUND, object="re_1", occurred_at=AT)
SETTLED = RefundSettled(
    refund=REFUND, object="re_1", movement="txn_2", settled=usd("30.00"), fee=usd("0.00"), occurred_at=AT
)
FAILED = RefundFailed(refund=REFUND, reason="lost_or_stolen_card", occurred_at=AT)


def test_a_refund_is_above_zero() -> None:
    given(decider).when(asked()).then(REQUESTED)
    given(decider).when(asked("0.00")).raises(InvalidRefund)


def test_a_refund_is_on_record_once_whatever_is_left_by_then() -> None:
    given(decider, REQUESTED).when(asked()).raises(RefundExists)
    given(decider, REQUESTED).when(asked("0.00")).raises(RefundExists)


def test_nobody_refunds_their_own_deposit() -> None:
    given(decider).when(asked(by=USER)).raises(SelfApproval)


def test_nothing_is_said_of_a_refund_that_nobody_asked_for() -> None:
    given(decider).when(said(refund())).raises(UnknownRefund)


def test_a_refund_settles_once_whether_or_not_it_was_pending() -> None:
    for before in ((), (SILENT,), (ACCEPTED,), (SILENT, ACCEPTED)):
        given(decider, REQUESTED, *before).when(said(refund())).then(SETTLED)
    given(decider, REQUESTED, SETTLED).when(said(refund())).nothing()
    another = refund(movement=line("txn_9", usd("30.00")))
    given(decider, REQUESTED, SETTLED).when(said(another)).raises(FactMismatch, field="movement")


def test_a_refund_is_settled_only_with_its_line_of_the_providers_account() -> None:
    given(decider, REQUESTED).when(said(refund(movement=None))).then(ACCEPTED)
    given(decider, REQUESTED, ACCEPTED).when(said(refund(movement=None))).nothing()


def test_silence_and_refusal_touch_only_what_the_provider_knows_nothing_of() -> None:
    refusal = RecordRefusal(reason="lost_or_stolen_card", occurred_at=AT)
    given(decider, REQUESTED).when(RecordSilence(occurred_at=AT)).then(SILENT)
    given(decider, REQUESTED, ACCEPTED).when(RecordSilence(occurred_at=AT)).nothing()
    given(decider, REQUESTED, SILENT).when(refusal).then(FAILED)
    given(decider, REQUESTED, ACCEPTED).when(refusal).nothing()
    given(decider, REQUESTED, SETTLED).when(refusal).nothing()


def test_a_refund_may_fail_before_and_after_it_was_settled_once() -> None:
    failed = refund("failed", reason="lost_or_stolen_card")
    for before in ((), (ACCEPTED,), (ACCEPTED, SETTLED)):
        given(decider, REQUESTED, *before).when(said(failed)).then(FAILED)
    given(decider, REQUESTED, SETTLED, FAILED).when(said(failed)).nothing()
    given(decider, REQUESTED, FAILED).when(said(refund())).raises(FactMismatch, field="status")


LIES: dict[str, dict[str, Any]] = {
    "tenant": {"tenant": "evil"},
    "refund": {"refund": RefundId("0" * 32)},
    "provider": {"provider": "sandbox"},
    "payment": {"payment": "pi_other"},
    "object": {"id": "re_other"},
    "amount": {"amount": brl("30.00")},
}


@pytest.mark.parametrize("field", LIES)
@pytest.mark.parametrize("status", ["pending", "succeeded", "failed"])
def test_a_fact_that_does_not_fit_changes_nothing(field: str, status: str) -> None:
    given(decider, REQUESTED, ACCEPTED).when(said(refund(status, **LIES[field]))).raises(FactMismatch, field=field)
