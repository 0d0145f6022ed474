"""Time passes as a fact: each UTC day ends once, in order. Nothing else looks at a clock to change state."""

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class EndDays:
    """End every day before `today`, the UTC day of the command's time."""

    today: date


@dataclass(frozen=True, slots=True, kw_only=True)
class DayEnded:
    """A UTC day is over."""

    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """The last day that ended; None before the first."""

    last: date | None = None


INITIAL = Days()
MOST_DAYS_AT_ONCE = 366


def decide(state: Days, command: EndDays) -> tuple[DayEnded, ...]:
    """End the days that are over, oldest first: the first time yesterday only, later every day since the last."""
    yesterday = command.today - timedelta(days=1)
    first = yesterday if state.last is None else state.last + timedelta(days=1)
    days = min((yesterday - first).days + 1, MOST_DAYS_AT_ONCE)
    return tuple(DayEnded(day=first + timedelta(days=step)) for step in range(days))


def evolve(state: Days, event: DayEnded) -> Days:  # noqa: ARG001 - every decider has this shape
    """Remember the last day."""
    return Days(last=event.day)
