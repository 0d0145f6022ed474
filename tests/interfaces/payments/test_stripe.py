"""Stripe through its own library, against a server that speaks its wire format."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from application.ports import (
    ForgedWebhook,
    PaymentRequest,
    ProviderEvent,
    ProviderRefused,
    ProviderSilent,
    RefundRequest,
)
from domain.money import Amount, Asset
from domain.payments import (
    DisputeFact,
    DisputeStatus,
    ObjectKind,
    PaymentFact,
    PaymentStatus,
    PayoutFact,
    PayoutStatus,
    RefundStatus,
)
from interfaces.payments.stripe import StripePayments
from tests.interfaces.payments.stripe_server import API_KEY, SECRET, StripeServer, stripe_server

pytestmark = pytest.mark.anyio

USD, JPY, KWD = Asset("USD", 2), Asset("JPY", 0), Asset("KWD", 3)
DEPOSIT, REFUND = "d" * 32, "e" * 32
ASKED = PaymentRequest(tenant="acme", id=DEPOSIT, amount=Amount(10_000, USD))


@pytest.fixture
async def server() -> AsyncIterator[StripeServer]:
    async with stripe_server() as running:
        yield running


@asynccontextmanager
async def client(url: str, *, api_key: str = API_KEY) -> AsyncIterator[StripePayments]:
    made = StripePayments(api_key=api_key, webhook_secret=SECRET, api_base=url, timeout_s=2)
    yield made
    await made.close()


@pytest.fixture
async def stripe(server: StripeServer) -> AsyncIterator[StripePayments]:
    async with client(server.url) as made:
        yield made


async def test_a_payment_is_asked_for_under_our_id_and_twice_makes_one(
    stripe: StripePayments, server: StripeServer
) -> None:
    first, second = await stripe.create_payment(ASKED), await stripe.create_payment(ASKED)
    assert first == second
    assert (first.tenant, first.deposit, first.status) == ("acme", DEPOSIT, PaymentStatus.PENDING)
    assert (first.amount, first.movement) == (Amount(10_000, USD), None)
    assert await stripe.client_secret(first.id) == f"{first.id}_secret"
    assert len(server.objects) == 1


@pytest.mark.parametrize(
    ("amount", "units"),
    [
        (Amount(10_000, USD), 10_000),
        (Amount(500, JPY), 500),
        (Amount(1_230, KWD), 1_230),
        (Amount(7, Asset("MGA", 2)), 0),
    ],
)
async def test_amounts_are_in_stripes_units(
    *, stripe: StripePayments, server: StripeServer, amount: Amount, units: int
) -> None:
    asked = PaymentRequest(tenant="acme", id=DEPOSIT, amount=amount)
    if not units:
        with pytest.raises(ProviderRefused):
            await stripe.create_payment(asked)
        return
    made = await stripe.create_payment(asked)
    assert (made.amount, server.objects[made.id]["amount"]) == (amount, units)


async def test_what_is_not_answered_is_unknown_and_found_by_our_id(
    stripe: StripePayments, server: StripeServer
) -> None:
    server.fault = "silent"
    with pytest.raises(ProviderSilent):
        await stripe.create_payment(ASKED)
    found = await stripe.find_payment("acme", DEPOSIT)
    assert found is not None
    assert found.deposit == DEPOSIT
    assert await stripe.find_payment("other", DEPOSIT) is None
    assert (await stripe.create_payment(ASKED)).id == found.id


async def test_an_error_of_stripes_own_is_unknown_and_a_refusal_is_final(
    stripe: StripePayments, server: StripeServer
) -> None:
    server.fault = "broken"
    with pytest.raises(ProviderSilent):
        await stripe.create_payment(ASKED)
    server.fault = "refused"
    with pytest.raises(ProviderRefused) as refused:
        await stripe.create_payment(ASKED)
    assert refused.value.reason == "card_declined"
    async with client(server.url, api_key="sk_wrong") as nobody:
        with pytest.raises(ProviderSilent):
            await nobody.create_payment(ASKED)
    async with client("http://127.0.0.1:9") as nowhere:
        with pytest.raises(ProviderSilent):
            await nowhere.get(ObjectKind.PAYMENT, "pa_1")


async def test_a_question_that_is_not_answered_leaves_everything_open(
    stripe: StripePayments, server: StripeServer
) -> None:
    for ask in (stripe.find_payment("acme", DEPOSIT), stripe.find_refund("acme", REFUND, payment="pa_1")):
        server.fault = "broken"
        with pytest.raises(ProviderSilent):
            await ask
    async with client(server.url, api_key="sk_wrong") as nobody:
        with pytest.raises(ProviderSilent):
            await nobody.get(ObjectKind.PAYMENT, "pa_1")


async def test_a_refund_is_found_by_our_id_among_those_of_its_payment(
    stripe: StripePayments, server: StripeServer
) -> None:
    payment = await stripe.create_payment(ASKED)
    other = await stripe.create_payment(replace(ASKED, id="9" * 32))
    ids = [digit * 32 for digit in "abc"]
    for id in ids:
        wanted = RefundRequest(tenant="acme", id=id, payment=payment.id, amount=Amount(1_000, USD))
        await stripe.create_refund(wanted)
    for number in range(10):
        wanted = RefundRequest(tenant="acme", id=f"{number}" * 32, payment=other.id, amount=Amount(100, USD))
        await stripe.create_refund(wanted)
    for id in ids:
        found = await stripe.find_refund("acme", id, payment=payment.id)
        assert found is not None
        assert found.refund == id
    server.listed = 0
    assert await stripe.find_refund("acme", "f" * 32, payment=payment.id) is None
    assert server.listed == len(ids), "only the pages of that payment are looked through"
    assert await stripe.find_refund("other", ids[0], payment=payment.id) is None
    assert await stripe.find_refund("acme", ids[0], payment=other.id) is None


async def test_a_payment_that_succeeded_shows_what_stripe_booked_in_its_own_currency(
    stripe: StripePayments, server: StripeServer
) -> None:
    made = await stripe.create_payment(
        PaymentRequest(tenant="acme", id=DEPOSIT, amount=Amount(10_000, Asset("BRL", 2)))
    )
    server.charge(made.id, fee=73, settled=1_820, currency="usd")
    paid = await stripe.get(ObjectKind.PAYMENT, made.id)
    assert isinstance(paid, PaymentFact)
    assert paid.movement is not None
    assert (paid.status, paid.movement.settled, paid.movement.fee) == (
        PaymentStatus.SUCCEEDED, Amount(1_820, USD), Amount(73, USD),
    )  # fmt: skip
    assert await stripe.get(ObjectKind.PAYMENT, "pa_99") is None
    server.fault = "broken"
    with pytest.raises(ProviderSilent):
        await stripe.get(ObjectKind.PAYMENT, made.id)


async def test_refunds_disputes_and_payouts_are_read_as_they_stand(
    stripe: StripePayments, server: StripeServer
) -> None:
    payment = await stripe.create_payment(ASKED)
    wanted = RefundRequest(tenant="acme", id=REFUND, payment=payment.id, amount=Amount(3_000, USD))
    refund = await stripe.create_refund(wanted)
    assert (refund.payment, refund.status, refund.refund) == (payment.id, RefundStatus.PENDING, REFUND)
    server.objects[refund.id] |= {
        "status": "succeeded",
        "balance_transaction": {"id": "txn_1", "amount": -3_000, "fee": 0, "currency": "usd"},
    }
    settled = await stripe.find_refund("acme", REFUND, payment=payment.id)
    assert settled is not None
    assert settled.movement is not None
    assert (settled.status, settled.movement.settled) == (RefundStatus.SUCCEEDED, Amount(3_000, USD))

    taken = {"id": "txn_2", "amount": -10_000, "fee": 1_500, "currency": "usd"}
    returned = {"id": "txn_3", "amount": 10_000, "fee": -1_500, "currency": "usd"}
    opened = server.add(
        "dispute", payment_intent=payment.id, status="needs_response", amount=10_000, currency="usd",
        created=1_790_000_000, balance_transactions=[taken], reason="fraudulent",
    )  # fmt: skip
    dispute = await stripe.get(ObjectKind.DISPUTE, opened)
    assert isinstance(dispute, DisputeFact)
    assert (dispute.deposit, dispute.status, dispute.returned) == (DEPOSIT, DisputeStatus.OPEN, None)
    assert dispute.taken is not None
    assert (dispute.taken.settled, dispute.taken.fee) == (Amount(10_000, USD), Amount(1_500, USD))
    server.objects[opened] |= {"status": "won", "balance_transactions": [taken, returned]}
    won = await stripe.get(ObjectKind.DISPUTE, opened)
    assert isinstance(won, DisputeFact)
    assert won.returned is not None
    assert (won.status, won.returned.fee) == (DisputeStatus.WON, Amount(1_500, USD))

    inquiry = server.add(
        "dispute", payment_intent=payment.id, status="warning_needs_response", amount=10_000, currency="usd",
        created=1_790_000_000, balance_transactions=[], reason="general",
    )  # fmt: skip
    for status, said in (("warning_under_review", DisputeStatus.OPEN), ("warning_closed", DisputeStatus.WON)):
        server.objects[inquiry]["status"] = status
        asked = await stripe.get(ObjectKind.DISPUTE, inquiry)
        assert isinstance(asked, DisputeFact)
        assert (asked.status, asked.taken, asked.returned) == (said, None, None)

    sent = server.add("payout", status="in_transit", amount=9_601, currency="usd", created=1_790_000_000,
                      balance_transaction={"id": "txn_4", "amount": -9_601, "fee": 0, "currency": "usd"})  # fmt: skip
    payout = await stripe.get(ObjectKind.PAYOUT, sent)
    assert isinstance(payout, PayoutFact)
    assert (payout.status, payout.amount) == (PayoutStatus.IN_TRANSIT, Amount(9_601, USD))


async def test_a_webhook_is_taken_with_stripes_signature_and_no_other(
    stripe: StripePayments, server: StripeServer
) -> None:
    payment = await stripe.create_payment(ASKED)
    body, headers = server.event("payment_intent.succeeded", payment.id)
    assert stripe.verify(body, headers) == ProviderEvent(
        provider="stripe", id="evt_2", kind=ObjectKind.PAYMENT, object=payment.id
    )
    late = server.event("payment_intent.succeeded", payment.id, at=int(time.time()) - 301)
    foreign = server.event("payment_intent.succeeded", payment.id, secret="whsec_another")
    for forged, signature in (
        late,
        foreign,
        (body + b" ", headers),
        (body, {}),
        (b"", {"stripe-signature": "t=1,v1="}),
    ):
        with pytest.raises(ForgedWebhook):
            stripe.verify(forged, signature)


async def test_an_event_about_nothing_that_we_book_says_so(stripe: StripePayments, server: StripeServer) -> None:
    customer = server.add("customer", created=1_790_000_000)
    event = stripe.verify(*server.event("customer.created", customer))
    assert (event.kind, event.object) == (None, None)
    charge = server.add("charge", payment_intent="pa_1")
    event = stripe.verify(*server.event("charge.updated", charge))
    assert (event.kind, event.object) == (ObjectKind.PAYMENT, "pa_1")
