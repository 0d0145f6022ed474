"""What an explanation says: a subject, its figures, and step by step the events that set or moved them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from domain.errors import NotFound
from domain.money import Amount
from projections.explain.origins import Origin

How = Literal["set", "added", "follows"]
"""How a figure came to be: an event says it, an event moves it, or it follows from other figures of the subject."""


@dataclass(kw_only=True, eq=False)
class NothingToExplain(NotFound):
    """The tenant has no such thing."""

    code: ClassVar[str] = "nothing_to_explain"
    sentence: ClassVar[str] = "There is nothing of that kind under that name."


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A named number of a subject."""

    figure: str
    amount: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What an event did to a figure: the amount it set or added, and what the figure was after it."""

    figure: str
    how: How
    amount: Amount
    after: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedAs:
    """The journal entry that an event is, where it is one."""

    id: str
    kind: str
    reference: str
    note: str
    effective_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An event, where it comes from, and what it did to the figures: nothing where it only moved a status."""

    origin: Origin
    changes: tuple[Changed, ...]
    entry: BookedAs | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A subject by name, its figures, those brought forward from before the first step shown, and the steps.

    A total has no steps of its own: it has `accounts`, debit positive, each of which is a subject itself.
    """

    subject: Mapping[str, str]
    figures: tuple[Figure, ...]
    brought_forward: tuple[Figure, ...]
    steps: tuple[Step, ...]
    accounts: tuple[Figure, ...] = ()
    next_cursor: str | None
    log_position: int


def figures_of(amounts: Mapping[str, Amount]) -> tuple[Figure, ...]:
    """Return named amounts as figures."""
    return tuple(Figure(figure=name, amount=amount) for name, amount in amounts.items())


def adds_up(explanation: Explanation) -> bool:
    """Tell whether what is brought forward and the steps come to the figures: the explanation leaves nothing out."""
    last = {figure.figure: figure.amount for figure in explanation.brought_forward}
    for change in _changes(explanation.steps):
        before = last.get(change.figure)
        if change.how == "added" and (before or change.after.asset.amount(0)) + change.amount != change.after:
            return False
        if change.how != "added" and change.amount != change.after:
            return False
        last[change.figure] = change.after
    return explanation.next_cursor is not None or all(last[one.figure] == one.amount for one in explanation.figures)


def _changes(steps: Sequence[Step]) -> Iterable[Changed]:
    return (change for step in steps for change in step.changes)
