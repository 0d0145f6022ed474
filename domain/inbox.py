"""What providers told us: each message once, by the provider's own id. It says where to look and nothing else.

Nothing is believed of it: whoever reacts asks the provider how the object stands.
"""

from dataclasses import dataclass

from domain.payments import ObjectKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveProviderEvent:
    """Put a verified message on record; its body is in the vault. None where it is about nothing that we book."""

    provider: str
    event: str
    kind: ObjectKind | None
    object: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderEventReceived:
    """A provider says that something happened to an object."""

    provider: str
    event: str
    kind: ObjectKind | None
    object: str | None


State = ProviderEventReceived | None
INITIAL: State = None


def decide(state: State, command: ReceiveProviderEvent) -> tuple[ProviderEventReceived, ...]:
    """Record a message that is new."""
    if state is not None:
        return ()
    return (
        ProviderEventReceived(provider=command.provider, event=command.event, kind=command.kind, object=command.object),
    )


def evolve(state: State, event: ProviderEventReceived) -> State:  # noqa: ARG001 - every decider has this shape
    """Remember it."""
    return event
