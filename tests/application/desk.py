"""A payment provider behind the port, without a wire: it keeps what it says of each object, and how it fails is chosen.

Tests of use cases and of the policy look at what becomes of what a provider says; how a real one says it is tested
where its adapter is.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from application.ports import (
    ForgedWebhook,
    PaymentRequest,
    ProviderEvent,
    ProviderRefused,
    ProviderSilent,
    RefundRequest,
)
from domain.ids import DepositId, RefundId
from domain.payments import ObjectKind, PaymentFact, PaymentStatus, ProviderFact, RefundFact, RefundStatus
from tests.application.world import NOW
from tests.domain.funding.facts import STRIPE


@dataclass
class Desk:
    """`asked` counts requests by our id. With `silent_before` nothing is done, with `silent_after` it was."""

    name: str = STRIPE
    facts: dict[tuple[ObjectKind, str], ProviderFact] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    silent_before: bool = False
    silent_after: bool = False
    refuses: str | None = None

    def says(self, *facts: ProviderFact) -> None:
        """Change what it has."""
        for fact in facts:
            self.facts[_kind_of(fact), fact.id] = fact

    async def create_payment(self, request: PaymentRequest) -> PaymentFact:
        fact = PaymentFact(
            provider=self.name,
            id=f"pi_{request.id[:8]}",
            tenant=request.tenant,
            deposit=DepositId(request.id),
            status=PaymentStatus.PENDING,
            amount=request.amount,
            occurred_at=NOW,
        )
        self._do(request.id, fact)
        return fact

    async def create_refund(self, request: RefundRequest) -> RefundFact:
        fact = RefundFact(
            provider=self.name,
            id=f"re_{request.id[:8]}",
            tenant=request.tenant,
            refund=RefundId(request.id),
            payment=request.payment,
            status=RefundStatus.PENDING,
            amount=request.amount,
            occurred_at=NOW,
        )
        self._do(request.id, fact)
        return fact

    async def client_secret(self, payment: str) -> str:
        self._answer()
        return f"{payment}_secret"

    async def get(self, kind: ObjectKind, object_id: str) -> ProviderFact | None:
        self._answer()
        return self.facts.get((kind, object_id))

    async def find_payment(self, tenant: str, deposit: str) -> PaymentFact | None:
        self._answer()
        made = (fact for fact in self.facts.values() if isinstance(fact, PaymentFact))
        return next((fact for fact in made if (fact.tenant, fact.deposit) == (tenant, deposit)), None)

    async def find_refund(self, tenant: str, refund: str, *, payment: str) -> RefundFact | None:
        self._answer()
        made = (fact for fact in self.facts.values() if isinstance(fact, RefundFact) and fact.payment == payment)
        return next((fact for fact in made if (fact.tenant, fact.refund) == (tenant, refund)), None)

    def verify(self, body: bytes, headers: Mapping[str, str]) -> ProviderEvent:  # noqa: ARG002 - the port's signature
        raise ForgedWebhook

    def _do(self, own_id: str, fact: ProviderFact) -> None:
        self.asked[own_id] += 1
        if self.refuses is not None:
            raise ProviderRefused(reason=self.refuses)
        self._answer()
        self.facts.setdefault((_kind_of(fact), fact.id), fact)
        if self.silent_after:
            raise ProviderSilent

    def _answer(self) -> None:
        if self.silent_before:
            raise ProviderSilent


def _kind_of(fact: ProviderFact) -> ObjectKind:
    return ObjectKind(type(fact).__name__.removesuffix("Fact").lower())
