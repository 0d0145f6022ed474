"""Looks after deposits and refunds that wait for a provider: a message may never come, an answer may have been lost.

Where to look comes from a read model, as it would from a message; what is done is decided from streams and from what
the provider says. Each is looked after more seldom the longer it waits.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from application.commands import Command, CommitterError, Done, Envelope
from application.committer import Committer
from application.deposits import find_deposit, record_payment_refusal
from application.ids import derive, namespace
from application.ports import Clock, Payments, ProviderRefused, ProviderSilent, RefundRequest
from application.provider_facts import Home, OpenWithdrawals, Taking
from application.refunds import find_refund, record_refund_refusal
from domain.payments import ObjectKind, ProviderFact

log = structlog.get_logger()

ACTOR = "policy:waiting"
EVERY_S = 5.0
PATIENCE = timedelta(seconds=60)
"""How long a provider has to be heard of before it is asked: longer than any request to it is under way."""
SELDOMER = 4
"""What has waited for long is looked after again when its age has grown by one part in so many."""
NEVER_CREATED = "never_created"
_WAITING = namespace("waiting")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """A deposit or a refund that waits for its provider."""

    tenant: str
    kind: ObjectKind
    id: str
    provider: str
    since: datetime


class FindWaiting(Protocol):
    """Finds what waits for a provider, in all tenants."""

    async def __call__(self, before: datetime) -> Sequence[Waits]:
        """Return what has waited since an instant or longer, longest first."""


class Waiting:
    """Asks providers about what waits too long, and takes over what they say."""

    def __init__(
        self,
        *,
        committer: Committer,
        providers: Mapping[str, Payments],
        clock: Clock,
        home: Home,
        open_withdrawals: OpenWithdrawals,
        find: FindWaiting,
        patience: timedelta = PATIENCE,
    ) -> None:
        self._committer = committer
        self._providers = providers
        self._clock = clock
        self._home = home
        self._open_withdrawals = open_withdrawals
        self._find = find
        self._patience = patience
        self._looked: dict[str, datetime] = {}

    async def run(self) -> None:
        """Look every few seconds, for ever."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY_S)

    async def look(self) -> int:
        """Ask about everything that is due, once; return how much that was."""
        now = self._clock.now()
        waiting = await self._find(now - self._patience)
        self._looked = {one.id: self._looked[one.id] for one in waiting if one.id in self._looked}
        due = [one for one in waiting if self._is_due(one, now)]
        for one in due:
            self._looked[one.id] = now
            try:
                await self._settle(one, now)
            except (ProviderSilent, CommitterError) as error:
                log.warning("waiting.not_settled", tenant=one.tenant, kind=one.kind, id=one.id, error=repr(error))
        return len(due)

    def _is_due(self, one: Waits, now: datetime) -> bool:
        looked = self._looked.get(one.id)
        return looked is None or now - looked >= max(self._patience, (now - one.since) / SELDOMER)

    async def _settle(self, one: Waits, now: datetime) -> None:
        provider = self._providers.get(one.provider)
        if provider is None:
            return
        fact = await self._ask(one, provider)
        if fact is None:
            fact = await self._absent(one, provider, now)
        if fact is None:
            return
        taking = Taking(
            committer=self._committer,
            provider=provider,
            home=self._home,
            open_withdrawals=self._open_withdrawals,
            submit=self._submit,
            envelope=lambda tenant, about: _envelope(one, tenant=tenant, about=about, now=now),
        )
        await taking.take(fact)

    async def _ask(self, one: Waits, provider: Payments) -> ProviderFact | None:
        """Look it up by the provider's name for it where we know that, for a search by ours may lag behind."""
        if one.kind is ObjectKind.PAYMENT:
            payment = (await find_deposit(self._committer, one.tenant, one.id)).payment
            if payment is None:
                return await provider.find_payment(one.tenant, one.id)
            return await provider.get(ObjectKind.PAYMENT, payment)
        refund = await find_refund(self._committer, one.tenant, one.id)
        if refund.object is None:
            return await provider.find_refund(one.tenant, one.id, payment=refund.payment)
        return await provider.get(ObjectKind.REFUND, refund.object)

    async def _absent(self, one: Waits, provider: Payments, now: datetime) -> ProviderFact | None:
        """Settle what a provider has not got: nobody waits for a payment any more, a refund is asked for again."""
        envelope = _envelope(one, tenant=one.tenant, about="absent", now=now)
        if one.kind is ObjectKind.PAYMENT:
            deposit = await find_deposit(self._committer, one.tenant, one.id)
            await self._submit(record_payment_refusal(envelope, deposit, NEVER_CREATED))
            return None
        refund = await find_refund(self._committer, one.tenant, one.id)
        wanted = RefundRequest(tenant=one.tenant, id=refund.refund, payment=refund.payment, amount=refund.amount)
        try:
            return await provider.create_refund(wanted)
        except ProviderRefused as refused:
            await self._submit(record_refund_refusal(envelope, refund, refused.reason))
            return None

    async def _submit(self, command: Command) -> Done:
        done = await self._committer.submit(command)
        if done.refused:
            log.warning("waiting.refused", command=command.name, code=done.receipt.answer["code"])
        return done


def _envelope(one: Waits, *, tenant: str, about: str, now: datetime) -> Envelope:
    command_id = derive(_WAITING, one.id, tenant, about, now.isoformat())
    return Envelope(
        tenant=tenant,
        actor=ACTOR,
        command_id=command_id,
        key=command_id,
        input_hash=command_id * 2,
        correlation_id=command_id,
        now=now,
    )
