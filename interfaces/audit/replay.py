"""Replays the log into read models by the models' own rules, and compares the rows that this makes with the live ones.

Rows that belong to one event each are compared range by range; all others are gathered from the whole log and compared
at its end. Journal and balances are compared with what the auditor itself makes of the stored JSON (ledger.py).
"""

from collections.abc import Iterable

from interfaces.audit.facts import Handled
from interfaces.audit.findings import Tallies
from interfaces.audit.models import Model, compare_range, compare_whole
from interfaces.audit.snapshot import Connection
from projections.changes import Changes
from projections.models import PROJECTIONS


def replay_range(
    connection: Connection, model: Model, facts: Handled, *, behind: int, upto: int | None, tallies: Tallies
) -> Changes:
    """Replay a range of the log up to the model's cursor, compare what can be compared now, and return the rest."""
    rest = Changes()
    with tallies.timed(model.check) as tally:
        _replay(model, facts, rest)
        for name, table in model.tables.items():
            if table.in_log_order:
                made = rest.take_appended(name) if name in rest.tables else []
                expected = [table.values(row) for row in made]
                compare_range(connection, table, expected=expected, behind=behind, upto=upto, tally=tally)
    return rest


def replay_history(model: Model, facts: Handled, tallies: Tallies) -> Changes:
    """Replay a range that was compared before, or lies before what is asked for: only for what later rows rest on."""
    rest = Changes()
    with tallies.timed(model.check):
        _replay(model, facts, rest)
        for name, table in model.tables.items():
            if table.in_log_order and name in rest.tables:
                rest.take_appended(name)
    return rest


def _replay(model: Model, facts: Handled, changes: Changes) -> None:
    """Take what the model's own rules make of the events up to its cursor."""
    projection = PROJECTIONS[model.name]
    read = (fact for fact in facts.of(projection.handles) if fact.log_position <= model.cursor)
    changes.take(projection.apply_all((fact.recorded(), fact.event) for fact in read))


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
