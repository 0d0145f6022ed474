"""The policy `payments`: a provider's message says where to look; what the provider says there and then is booked.

So a message that is repeated, reordered or forged changes nothing that the provider does not stand by, and one that
never came is made up for by looking after what waits too long (waiting.py).
"""

from collections.abc import Mapping
from typing import Any

from application.commands import Envelope
from application.committer import Committer
from application.ids import derive, namespace
from application.log import Recorded
from application.policies.runner import Submit
from application.ports import Clock, Payments
from application.provider_facts import Home, OpenWithdrawals, Taking
from domain.inbox import ProviderEventReceived

NAME = "payments"
AT_ONCE = 32
"""Reactions wait for the provider, and their order does not matter: each asks how its object stands."""
_PAYMENTS = namespace(NAME)


class PaymentsPolicy:
    """Reacts to messages of the providers it is given, by their names."""

    name = NAME
    handles = frozenset({"provider.event_received.v1"})
    first_log_position = 1

    def __init__(
        self,
        *,
        committer: Committer,
        providers: Mapping[str, Payments],
        clock: Clock,
        home: Home,
        open_withdrawals: OpenWithdrawals,
    ) -> None:
        self._committer = committer
        self._providers = providers
        self._clock = clock
        self._home = home
        self._open_withdrawals = open_withdrawals

    async def react(self, recorded: Recorded, event: Any, submit: Submit) -> None:
        """Ask how the object stands and take it over. Raises ProviderSilent, which the runner waits out."""
        assert isinstance(event, ProviderEventReceived)
        provider = self._providers.get(event.provider)
        if provider is None or event.kind is None or event.object is None:
            return
        fact = await provider.get(event.kind, event.object)
        if fact is None:
            return
        taking = Taking(
            committer=self._committer,
            provider=provider,
            home=self._home,
            open_withdrawals=self._open_withdrawals,
            submit=submit,
            envelope=lambda tenant, about: self._envelope(recorded, tenant, about),
        )
        await taking.take(fact)

    def _envelope(self, recorded: Recorded, tenant: str, about: str) -> Envelope:
        command_id = derive(_PAYMENTS, recorded.event_id, tenant, about)
        return Envelope(
            tenant=tenant,
            actor=f"policy:{NAME}",
            command_id=command_id,
            key=command_id,
            input_hash=command_id * 2,
            correlation_id=recorded.correlation_id,
            causation_id=recorded.event_id,
            now=self._clock.now(),
        )
