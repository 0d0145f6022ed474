"""What may be explained, and by which names: one door for the API and the command line."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from application.store import Connection
from domain.errors import Invalid
from projections import accounts, journal
from projections.explain.balances import explain_balance, explain_total
from projections.explain.explanation import Explanation
from projections.explain.lineage import explain_thing
from projections.explain.things import THINGS
from projections.times import NOW, Moment

BALANCE, TOTAL = "balance", "total"
KINDS = (BALANCE, TOTAL, *THINGS)

_NAMED_BY: Mapping[str, tuple[str, ...]] = {BALANCE: ("account", "asset"), TOTAL: ("realm", "asset")}


@dataclass(kw_only=True, eq=False)
class SubjectUnclear(Invalid):
    """A subject lacks one of its names: `needed` are those of its kind."""

    code: ClassVar[str] = "subject_unclear"
    sentence: ClassVar[str] = "It is not said whose numbers are to be explained."
    kind: str
    needed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A kind of thing and what names one of it; a balance or a total at a moment."""

    kind: str
    names: Mapping[str, str]
    moment: Moment = NOW

    @property
    def models(self) -> tuple[str, ...]:
        """The read models whose numbers these are."""
        if self.kind in THINGS:
            return (THINGS[self.kind].model,)
        return (journal.NAME, accounts.NAME) if self.kind == TOTAL else (journal.NAME,)


def needed_by(kind: str) -> tuple[str, ...]:
    """Return the names that say which thing of a kind is meant. A position may have a `strategy` besides."""
    return _NAMED_BY[kind] if kind in _NAMED_BY else THINGS[kind].named_by


def subject_of(kind: str, given: Mapping[str, object], moment: Moment = NOW) -> Subject:
    """Return a subject by the names that are given; other ones do not matter. Raises `SubjectUnclear`."""
    needed = needed_by(kind)
    if any(given.get(name) is None for name in needed):
        raise SubjectUnclear(kind=kind, needed=needed)
    known = (*needed, "strategy") if kind == "position" else needed
    names = {name: str(given[name]) for name in known if given.get(name) is not None}
    return Subject(kind=kind, names=names, moment=moment)


async def explain(
    connection: Connection, tenant: str, subject: Subject, *, limit: int, cursor: str | None = None
) -> Explanation:
    """Explain the figures of a subject of the connection's tenant, oldest event first.

    Raises `NothingToExplain`, `UnknownAccount`, `AccountUnused` or `MalformedCursor`.
    """
    names = subject.names
    match subject.kind:
        case "balance":
            return await explain_balance(
                connection, names["account"], names["asset"], moment=subject.moment, limit=limit, cursor=cursor
            )
        case "total":
            return await explain_total(connection, names["realm"], names["asset"], moment=subject.moment)
        case kind:
            return await explain_thing(connection, tenant, kind, names=names, limit=limit, cursor=cursor)
