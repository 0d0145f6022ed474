"""Replays the log into read models by the models' own rules, and compares the rows that this makes with the live ones.

Rows that belong to one event each are compared range by range; all others are gathered from the whole log and compared
at its end. Journal and balances are compared with what the auditor itself makes of the stored JSON (ledger.py).
"""

from collections.abc import Iterable, Iterator

from interfaces.audit.facts import Fact, Handled
from interfaces.audit.findings import Tallies
from interfaces.audit.models import Model, Table, compare_range, compare_whole
from interfaces.audit.snapshot import Connection
from projections.changes import Change, Changes
from projections.models import PROJECTIONS


class Replay:
    """What a model's own rules make of a range of the log, up to the model's cursor."""

    def __init__(self, model: Model, tallies: Tallies) -> None:
        self._model = model
        self._projection = PROJECTIONS[model.name]
        self._tallies = tallies
        self._made = Changes()

    def take(self, facts: Handled) -> None:
        """Replay the next events."""
        found = facts.of(self._projection.handles)
        if found:
            with self._tallies.timed(self._model.check):
                self._made.take(self._changes(fact for fact in found if fact.log_position <= self._model.cursor))

    def _changes(self, facts: Iterable[Fact]) -> Iterable[Change]:
        """Return what they change; the envelope is made for those only who look at more of it than the tenant."""
        if self._projection.summed is not None:
            return self._projection.summed((fact.tenant, fact.event) for fact in facts)
        return self._projection.apply_all((fact.recorded(), fact.event) for fact in facts)

    def compare(self, connection: Connection, *, behind: int, upto: int | None) -> Changes:
        """Compare what can be compared now, up to a position or all behind, and return the rest."""
        with self._tallies.timed(self._model.check) as tally:
            for table in self._in_log_order():
                made = self._made.take_appended(table.name) if table.name in self._made.tables else []
                expected = [table.values(row) for row in made]
                compare_range(connection, table, expected=expected, behind=behind, upto=upto, tally=tally)
        return self._made

    def leave(self) -> Changes:
        """Return only what later rows rest on: the range was compared before, or lies before what is asked for."""
        for table in self._in_log_order():
            if table.name in self._made.tables:
                self._made.take_appended(table.name)
        return self._made

    def _in_log_order(self) -> Iterator[Table]:
        return (table for table in self._model.tables.values() if table.in_log_order)


def compare_rest(connection: Connection, model: Model, *, changes: Iterable[Changes], tallies: Tallies) -> None:
    """Put together what the ranges of the log have left, in their order, and compare it with the whole tables."""
    with tallies.timed(model.check) as tally:
        merged = Changes()
        for one in changes:
            merged.merge(one)
        for name, table in model.tables.items():
            if not table.in_log_order:
                made = merged.tables.get(name)
                expected = map(table.values, [*made.appended, *made.rows()] if made else [])
                compare_whole(connection, table, expected=expected, cursor=model.cursor, tally=tally)
