"""Stripe behind the port `Payments`, through Stripe's own library. It asks and reads; what follows is not its business.

A time-out, a broken connection, a server's error or "too many requests" leaves the matter open; only what Stripe
refuses for what was asked is final. Our id is Stripe's idempotency key, and stands in the object's metadata.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from application.ports import (
    ForgedWebhook,
    PaymentRequest,
    ProviderEvent,
    ProviderRefused,
    ProviderSilent,
    RefundRequest,
)
from domain.payments import ObjectKind, PaymentFact, ProviderFact, RefundFact
from interfaces.payments import stripe_facts
from interfaces.payments.stripe_units import UnknownUnits, to_stripe

if TYPE_CHECKING:
    from stripe import HTTPXClient, StripeClient

log = structlog.get_logger()

T = TypeVar("T")

NAME = "stripe"
TOLERANCE_S = 300
_EXPAND = {
    ObjectKind.PAYMENT: ["latest_charge.balance_transaction"],
    ObjectKind.REFUND: ["balance_transaction"],
    ObjectKind.DISPUTE: ["payment_intent"],
    ObjectKind.PAYOUT: ["balance_transaction"],
}
_MISSING = "resource_missing"


class StripePayments:
    """`api_base` is another address than Stripe's own, for tests. No retries: whoever asks again knows why."""

    name = NAME

    def __init__(
        self, *, api_key: str, webhook_secret: str, api_base: str | None = None, timeout_s: float = 20
    ) -> None:
        self._api_key = api_key
        self._webhook_secret = webhook_secret
        self._api_base = api_base
        self._timeout_s = timeout_s
        self._http: HTTPXClient | None = None

    @cached_property
    def _client(self) -> "StripeClient":
        """The library's client; it takes half a second to import, and most processes never need it."""
        from stripe import HTTPXClient, StripeClient

        self._http = HTTPXClient(timeout=self._timeout_s)
        return StripeClient(
            self._api_key,
            base_addresses={"api": self._api_base} if self._api_base else {},
            max_network_retries=0,
            http_client=self._http,
        )

    async def close(self) -> None:
        """Close the connections to Stripe, if there ever were any."""
        http: Any = self._http
        if http is not None:
            await http.close_async()

    async def create_payment(self, request: PaymentRequest) -> PaymentFact:
        """See the port."""
        units, currency = _asked(request)
        made = await self._ask(
            lambda: self._client.v1.payment_intents.create_async(
                {
                    "amount": units,
                    "currency": currency,
                    "automatic_payment_methods": {"enabled": True},
                    "metadata": {"tenant": request.tenant, "deposit": request.id},
                },
                {"idempotency_key": f"deposit-{request.id}"},
            )
        )
        return stripe_facts.payment(made.to_dict())

    async def create_refund(self, request: RefundRequest) -> RefundFact:
        """See the port."""
        units, _ = _asked(request)
        made = await self._ask(
            lambda: self._client.v1.refunds.create_async(
                {
                    "payment_intent": request.payment,
                    "amount": units,
                    "metadata": {"tenant": request.tenant, "refund": request.id},
                },
                {"idempotency_key": f"refund-{request.id}"},
            )
        )
        return stripe_facts.refund(made.to_dict())

    async def client_secret(self, payment: str) -> str:
        """See the port."""
        found = await self._ask(lambda: self._client.v1.payment_intents.retrieve_async(payment))
        return str(found.client_secret)

    async def get(self, kind: ObjectKind, object_id: str) -> ProviderFact | None:
        """See the port."""
        services: Mapping[ObjectKind, Any] = {
            ObjectKind.PAYMENT: self._client.v1.payment_intents,
            ObjectKind.REFUND: self._client.v1.refunds,
            ObjectKind.DISPUTE: self._client.v1.disputes,
            ObjectKind.PAYOUT: self._client.v1.payouts,
        }
        found = await self._look(lambda: services[kind].retrieve_async(object_id, {"expand": _EXPAND[kind]}))
        return None if found is None else stripe_facts.fact(kind, found.to_dict())

    async def find_payment(self, tenant: str, deposit: str) -> PaymentFact | None:
        """See the port. Asking again under the idempotency key would find it too, but also make it."""
        object_id = await self._look(lambda: self._named_payment(tenant, deposit))
        found = None if object_id is None else await self.get(ObjectKind.PAYMENT, object_id)
        return found if isinstance(found, PaymentFact) else None

    async def find_refund(self, tenant: str, refund: str, *, payment: str) -> RefundFact | None:
        """See the port."""
        object_id = await self._look(lambda: self._named_refund(tenant, refund, payment))
        found = None if object_id is None else await self.get(ObjectKind.REFUND, object_id)
        return found if isinstance(found, RefundFact) else None

    def verify(self, body: bytes, headers: Mapping[str, str]) -> ProviderEvent:
        """See the port."""
        from stripe import SignatureVerificationError, WebhookSignature

        try:
            WebhookSignature.verify_header(
                body, headers.get("stripe-signature"), self._webhook_secret, tolerance=TOLERANCE_S
            )
            return stripe_facts.event(body)
        except (SignatureVerificationError, ValueError, KeyError, TypeError) as error:
            raise ForgedWebhook from error

    async def _named_payment(self, tenant: str, deposit: str) -> str | None:
        query = f"metadata['deposit']:'{deposit}' AND metadata['tenant']:'{tenant}'"
        found = await self._client.v1.payment_intents.search_async({"query": query})
        return found.data[0].id if found.data else None

    async def _named_refund(self, tenant: str, refund: str, payment: str) -> str | None:
        """Look through the refunds of its payment, which are few: Stripe does not search these."""
        listed = await self._client.v1.refunds.list_async({"payment_intent": payment, "limit": 100})
        async for one in listed.auto_paging_iter():
            said = one.to_dict().get("metadata") or {}
            if (said.get("refund"), said.get("tenant")) == (refund, tenant):
                return str(one.id)
        return None

    async def _look(self, call: Callable[[], Awaitable[T]]) -> T | None:
        """Ask how something stands; None where it is not there. Any other refusal says nothing about it."""
        try:
            return await self._ask(call)
        except ProviderRefused as refused:
            if refused.reason == _MISSING:
                return None
            raise ProviderSilent from refused

    async def _ask(self, call: Callable[[], Awaitable[T]]) -> T:
        """Ask Stripe. Raises `ProviderRefused`, or `ProviderSilent` where nobody can say what was done."""
        from stripe import CardError, InvalidRequestError, StripeError

        try:
            return await call()
        except (CardError, InvalidRequestError) as error:
            raise ProviderRefused(reason=str(error.code or error.param or "invalid_request")) from error
        except StripeError as error:
            log.warning("stripe.silent", error=type(error).__name__, status=error.http_status, code=error.code)
            raise ProviderSilent from error


def _asked(request: PaymentRequest | RefundRequest) -> tuple[int, str]:
    try:
        return to_stripe(request.amount)
    except UnknownUnits as error:
        raise ProviderRefused(reason="amount_unsupported") from error
