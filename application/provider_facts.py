"""How a provider's fact finds the stream it is about, and what it leads to there. What is not ours leads nowhere.

Whether a fact fits what is on record is each subject's own rule; one that does not is refused.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, assert_never

from application import streams
from application.commands import Command, Done, Envelope
from application.committer import Committer
from application.deposits import record_payment
from application.disputes import dispute_id, record_dispute
from application.payouts import record_payout
from application.ports import Payments
from application.refunds import record_refund
from domain.funding.deposit import Deposit
from domain.funding.deposit_events import Status
from domain.funding.dispute import Dispute
from domain.funding.refund import Refund
from domain.ids import UserId, is_id
from domain.payments import (
    BalanceMovement,
    DisputeFact,
    ObjectKind,
    PaymentFact,
    PayoutFact,
    ProviderFact,
    RefundFact,
)
from domain.tenants import is_name
from domain.withdrawals.withdrawal import Withdrawal


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Whose books a provider's payouts are in, and our name for the account at the bank that they go to."""

    tenant: str
    bank: str


class OpenWithdrawals(Protocol):
    """Finds what a user wants to withdraw and nobody has approved."""

    async def __call__(self, tenant: str, user: UserId) -> Sequence[Withdrawal]:
        """Return it, oldest first."""


Submit = Callable[[Command], Awaitable[Done]]
MakeEnvelope = Callable[[str, str], Envelope]
"""Makes the envelope of a command from a tenant and from what the command is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """Takes facts over, with the commands and envelopes of whoever asked the provider for them."""

    committer: Committer
    provider: Payments
    home: Home
    open_withdrawals: OpenWithdrawals
    submit: Submit
    envelope: MakeEnvelope

    async def take(self, fact: ProviderFact) -> None:
        """Take over what a provider says of one object. Raises ProviderSilent where more is to be asked."""
        match fact:
            case PaymentFact():
                await self._payment(fact)
            case RefundFact():
                await self._refund(fact)
            case DisputeFact():
                await self._dispute(fact)
            case PayoutFact():
                envelope = self.envelope(self.home.tenant, _told("payout", fact.status, fact.movement))
                await self.submit(record_payout(envelope, fact, bank=self.home.bank))
            case _:
                assert_never(fact)

    async def _payment(self, fact: PaymentFact) -> None:
        ours = await self._find("deposit", fact.tenant, fact.deposit)
        if ours is not None:
            tenant, deposit = ours
            envelope = self.envelope(tenant, _told("payment", fact.status, fact.movement))
            await self.submit(record_payment(envelope, deposit, fact))

    async def _refund(self, fact: RefundFact) -> None:
        ours = await self._find("refund", fact.tenant, fact.refund)
        if ours is not None:
            tenant, refund = ours
            assert isinstance(refund, Refund)
            envelope = self.envelope(tenant, _told("refund", fact.status, fact.movement))
            await self.submit(record_refund(envelope, refund, fact))

    async def _dispute(self, fact: DisputeFact) -> None:
        """Take a dispute over, after the payment that it is about, with what its user wants to withdraw."""
        if fact.tenant is None or fact.deposit is None:
            payment = await self.provider.get(ObjectKind.PAYMENT, fact.payment)
            if not isinstance(payment, PaymentFact):
                return
            fact = replace(fact, tenant=payment.tenant, deposit=payment.deposit)
        ours = await self._find("deposit", fact.tenant, fact.deposit)
        if ours is None:
            return
        tenant, deposit = ours
        assert isinstance(deposit, Deposit)
        if deposit.status is not Status.SETTLED:
            payment = await self.provider.get(ObjectKind.PAYMENT, fact.payment)
            if isinstance(payment, PaymentFact):
                await self._payment(payment)
        taking = fact.taken is not None and not await self._is_taken(tenant, fact)
        withdrawals = await self.open_withdrawals(tenant, deposit.user) if taking else ()
        envelope = self.envelope(tenant, _told("dispute", fact.status, fact.taken, fact.returned))
        await self.submit(record_dispute(envelope, deposit, fact, withdrawals=withdrawals))

    async def _is_taken(self, tenant: str, fact: DisputeFact) -> bool:
        stream = streams.dispute(tenant, dispute_id(tenant, fact.provider, fact.id))
        known: Dispute | None = (await self.committer.state(stream)).state
        return known is not None and known.taken is not None

    async def _find(self, subject: str, tenant: str | None, id: str | None) -> tuple[str, Any] | None:
        """Find what a fact says it is about; nothing where it is not ours. What it says is not believed yet."""
        if tenant is None or id is None or not is_name(tenant) or not is_id(id):
            return None
        stream = {"deposit": streams.deposit, "refund": streams.refund}[subject](tenant, id)
        known = (await self.committer.state(stream)).state
        return None if known is None else (tenant, known)


def _told(subject: str, status: str, *movements: BalanceMovement | None) -> str:
    """Name what was told: a later answer of the provider to the same message is another command."""
    return " ".join([subject, status, *("-" if one is None else one.id for one in movements)])
