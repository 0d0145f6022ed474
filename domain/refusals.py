"""A policy's command that state refused, as a fact somebody can see and act on. Recorded once per command."""

from dataclasses import dataclass
from typing import assert_never


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRefusal:
    """Write down that `command`, asked for by `policy` because of `event`, broke the rule `code`."""

    policy: str
    event: str
    command: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyCommandRefused:
    """A policy's command was refused by state."""

    policy: str
    event: str
    command: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unrefused:
    """Nothing is recorded yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The refusal is recorded."""


State = Unrefused | Recorded
INITIAL: State = Unrefused()


def decide(state: State, command: RecordRefusal) -> tuple[PolicyCommandRefused, ...]:
    """Record a refusal once."""
    match state:
        case Recorded():
            return ()
        case Unrefused():
            return (
                PolicyCommandRefused(
                    policy=command.policy, event=command.event, command=command.command, code=command.code
                ),
            )
        case _:
            assert_never(state)


def evolve(state: State, event: PolicyCommandRefused) -> State:  # noqa: ARG001 - every decider has this shape
    """Remember that the refusal is recorded."""
    return Recorded()
