"""Timers: that something is due is a fact like any other, written down once by the clock when its time has come."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never


class TimerKind(StrEnum):
    """What a timer is for: whoever reacts looks at nothing else."""

    PROPOSAL = "proposal"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTimer:
    """Let something be due at an instant."""

    kind: TimerKind
    subject: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EndTimer:
    """Say that it is due."""

    now: datetime


Command = SetTimer | EndTimer


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerSet:
    """Something will be due."""

    kind: TimerKind
    subject: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerDue:
    """Its time has come."""

    kind: TimerKind
    subject: str
    due_at: datetime


Event = TimerSet | TimerDue
State = Event | None
INITIAL: State = None


def decide(state: State, command: Command) -> tuple[Event, ...]:
    """Set a timer once; end it once, and not before its time."""
    match command:
        case SetTimer(kind=kind, subject=subject, due_at=due_at):
            return () if state is not None else (TimerSet(kind=kind, subject=subject, due_at=due_at),)
        case EndTimer(now=now):
            if not isinstance(state, TimerSet) or now < state.due_at:
                return ()
            return (TimerDue(kind=state.kind, subject=state.subject, due_at=state.due_at),)
        case _:
            assert_never(command)


def evolve(state: State, event: Event) -> State:  # noqa: ARG001 - every decider has this shape
    """Remember what was last."""
    return event
