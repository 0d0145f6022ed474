"""Deposits and what a provider says about them, as the tests of all levels tell them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from domain.funding.deposit import Deposit
from domain.funding.deposit_events import DepositPaymentCreated, DepositRequested, DepositSettled, Status
from domain.ids import DepositId, RefundId
from domain.money import Amount
from domain.payments import (
    BalanceMovement,
    DisputeFact,
    DisputeStatus,
    PaymentFact,
    PaymentStatus,
    PayoutFact,
    PayoutStatus,
    RefundFact,
    RefundStatus,
)
from tests.domain.ledger.entries import USER, amount

TENANT = "acme"
STRIPE = "stripe"
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
DEPOSIT, REFUND = DepositId("d" * 32), RefundId("f" * 32)
FINANCE = "b" * 32


def usd(text: str) -> Amount:
    return amount(text, "USD")


def brl(text: str) -> Amount:
    return amount(text, "BRL")


def line(id: str, gross: Amount, fee: str = "0.00") -> BalanceMovement:
    """Return a line of the provider's account; the fee is in what was settled."""
    return BalanceMovement(id=id, settled=gross, fee=amount(fee, gross.asset.code))


def payment(status: str = "succeeded", *, fee: str = "3.99", **said: Any) -> PaymentFact:  # noqa: ANN401 - fields of several types
    """Return a payment of 100.00 dollars for DEPOSIT as the provider has it, with what is said otherwise."""
    settled = line("txn_1", said.get("amount", usd("100.00")), fee) if status == "succeeded" else None
    fact = PaymentFact(
        provider=STRIPE,
        id="pi_1",
        tenant=TENANT,
        deposit=DEPOSIT,
        status=PaymentStatus(status),
        amount=usd("100.00"),
        movement=settled,
        occurred_at=AT,
    )
    return replace(fact, **said)


def refund(status: str = "succeeded", **said: Any) -> RefundFact:  # noqa: ANN401 - fields of several types
    """Return a refund of 30.00 dollars as the provider has it, with what is said otherwise."""
    fact = RefundFact(
        provider=STRIPE,
        id="re_1",
        tenant=TENANT,
        refund=REFUND,
        payment="pi_1",
        status=RefundStatus(status),
        amount=usd("30.00"),
        movement=line("txn_2", usd("30.00")) if status == "succeeded" else None,
        occurred_at=AT,
    )
    return replace(fact, **said)


def dispute(status: str = "open", **said: Any) -> DisputeFact:  # noqa: ANN401 - fields of several types
    """Return a dispute of 100.00 dollars as the provider has it: the money and a fee of 15.00 are taken."""
    fact = DisputeFact(
        provider=STRIPE,
        id="dp_1",
        tenant=TENANT,
        deposit=DEPOSIT,
        payment="pi_1",
        status=DisputeStatus(status),
        amount=usd("100.00"),
        taken=line("txn_3", usd("100.00"), "15.00"),
        returned=line("txn_4", usd("100.00"), "15.00") if status == "won" else None,
        reason="fraudulent",
        occurred_at=AT,
    )
    return replace(fact, **said)


def payout(status: str = "in_transit", **said: Any) -> PayoutFact:  # noqa: ANN401 - fields of several types
    """Return a payout of 96.01 dollars as the provider has it, with what is said otherwise."""
    fact = PayoutFact(
        provider=STRIPE,
        id="po_1",
        status=PayoutStatus(status),
        amount=usd("96.01"),
        movement=line("txn_5", usd("96.01")),
        occurred_at=AT,
    )
    return replace(fact, **said)


REQUESTED = DepositRequested(deposit=DEPOSIT, user=USER, provider=STRIPE, amount=usd("100.00"), occurred_at=AT)
CREATED = DepositPaymentCreated(deposit=DEPOSIT, payment="pi_1", occurred_at=AT)
SETTLED = DepositSettled(
    deposit=DEPOSIT,
    user=USER,
    provider=STRIPE,
    payment="pi_1",
    amount=usd("100.00"),
    movement="txn_1",
    settled=usd("100.00"),
    fee=usd("3.99"),
    occurred_at=AT,
)
PAID_IN = Deposit(
    deposit=DEPOSIT,
    user=USER,
    provider=STRIPE,
    amount=usd("100.00"),
    requested_at=AT,
    status=Status.SETTLED,
    payment="pi_1",
    movement="txn_1",
)
