"""Stripe's objects in our words. A field that is absent is absent: nothing is made up here."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic_core import from_json

from application.ports import ProviderEvent
from domain.payments import (
    BalanceMovement,
    DisputeFact,
    DisputeStatus,
    ObjectKind,
    PaymentFact,
    PaymentStatus,
    PayoutFact,
    PayoutStatus,
    ProviderFact,
    RefundFact,
    RefundStatus,
)
from interfaces.payments.stripe_units import from_stripe

PROVIDER = "stripe"
_PAYMENT = {"succeeded": PaymentStatus.SUCCEEDED, "canceled": PaymentStatus.CANCELLED}
_REFUND = {"succeeded": RefundStatus.SUCCEEDED, "failed": RefundStatus.FAILED, "canceled": RefundStatus.FAILED}
_DISPUTE = {
    "won": DisputeStatus.WON,
    "prevented": DisputeStatus.WON,
    # An inquiry that came to nothing: no money was taken, and what was set aside of the deposit is free again.
    "warning_closed": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
}
_PAYOUT = {"paid": PayoutStatus.ARRIVED, "failed": PayoutStatus.FAILED, "canceled": PayoutStatus.FAILED}

Object = Mapping[str, Any]


def payment(found: Object) -> PaymentFact:
    """Return a payment intent; the movement is its charge's, as soon as Stripe has booked it."""
    charge = found.get("latest_charge")
    booked = charge.get("balance_transaction") if isinstance(charge, Mapping) else None
    metadata, failure = found.get("metadata") or {}, found.get("last_payment_error") or {}
    status = _PAYMENT.get(found["status"], PaymentStatus.PENDING)
    return PaymentFact(
        provider=PROVIDER,
        id=found["id"],
        tenant=metadata.get("tenant"),
        deposit=metadata.get("deposit"),
        status=status,
        amount=from_stripe(found["amount"], found["currency"]),
        movement=_movement(booked),
        reason=found.get("cancellation_reason") or failure.get("code"),
        occurred_at=_moment(charge if status is PaymentStatus.SUCCEEDED and booked else found),
    )


def refund(found: Object) -> RefundFact:
    """Return a refund."""
    metadata = found.get("metadata") or {}
    return RefundFact(
        provider=PROVIDER,
        id=found["id"],
        tenant=metadata.get("tenant"),
        refund=metadata.get("refund"),
        payment=_id(found["payment_intent"]),
        status=_REFUND.get(found["status"], RefundStatus.PENDING),
        amount=from_stripe(found["amount"], found["currency"]),
        movement=_movement(found.get("balance_transaction")),
        reason=found.get("failure_reason"),
        occurred_at=_moment(found),
    )


def dispute(found: Object) -> DisputeFact:
    """Return a dispute. Stripe books what it takes as a negative line, and what it gives back as a positive one."""
    intent = found.get("payment_intent")
    metadata = (intent.get("metadata") or {}) if isinstance(intent, Mapping) else {}
    booked = found.get("balance_transactions") or []
    return DisputeFact(
        provider=PROVIDER,
        id=found["id"],
        tenant=metadata.get("tenant"),
        deposit=metadata.get("deposit"),
        payment=_id(intent),
        status=_DISPUTE.get(found["status"], DisputeStatus.OPEN),
        amount=from_stripe(found["amount"], found["currency"]),
        taken=next((_movement(one) for one in booked if one["amount"] < 0), None),
        returned=next((_movement(one) for one in booked if one["amount"] > 0), None),
        reason=found.get("reason"),
        occurred_at=_moment(found),
    )


def payout(found: Object) -> PayoutFact:
    """Return a payout to our bank."""
    return PayoutFact(
        provider=PROVIDER,
        id=found["id"],
        status=_PAYOUT.get(found["status"], PayoutStatus.IN_TRANSIT),
        amount=from_stripe(found["amount"], found["currency"]),
        movement=_movement(found.get("balance_transaction")),
        reason=found.get("failure_code"),
        occurred_at=_moment(found),
    )


_FACTS: Mapping[ObjectKind, Callable[[Object], ProviderFact]] = {
    ObjectKind.PAYMENT: payment,
    ObjectKind.REFUND: refund,
    ObjectKind.DISPUTE: dispute,
    ObjectKind.PAYOUT: payout,
}
_KINDS = {
    "payment_intent": ObjectKind.PAYMENT,
    "refund": ObjectKind.REFUND,
    "dispute": ObjectKind.DISPUTE,
    "payout": ObjectKind.PAYOUT,
}


def fact(kind: ObjectKind, found: Object) -> ProviderFact:
    """Return what Stripe says of an object."""
    return _FACTS[kind](found)


def event(body: bytes) -> ProviderEvent:
    """Return what an event is about: its object, or its charge's payment. Raises ValueError, KeyError or TypeError."""
    said = from_json(body)
    about = said["data"]["object"]
    kind, object_id = _KINDS.get(about["object"]), about.get("id")
    if about["object"] == "charge" and about.get("payment_intent"):
        kind, object_id = ObjectKind.PAYMENT, _id(about["payment_intent"])
    return ProviderEvent(
        provider=PROVIDER, id=str(said["id"]), kind=kind, object=str(object_id) if kind is not None else None
    )


def _movement(booked: object) -> BalanceMovement | None:
    """Return a balance transaction, unsigned; None where Stripe has not booked it or did not show it."""
    if not isinstance(booked, Mapping):
        return None
    return BalanceMovement(
        id=booked["id"],
        settled=from_stripe(booked["amount"], booked["currency"]),
        fee=from_stripe(booked["fee"], booked["currency"]),
    )


def _id(reference: object) -> str:
    """Return the id of an object that is shown whole or named only."""
    return str(reference["id"] if isinstance(reference, Mapping) else reference)


def _moment(found: object) -> datetime:
    assert isinstance(found, Mapping), "every object of Stripe has a time"
    return datetime.fromtimestamp(found["created"], UTC)
