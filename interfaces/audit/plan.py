"""The work of a verification, cut into pieces that two processes share and that a later run can take over.

A piece names all that its result depends on. A log only grows, so a result holds as long as these names are equal.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from itertools import chain, pairwise

from interfaces.audit.events import Range, Read, check_events, read_again
from interfaces.audit.evidence import Seals, check_evidence, sealed_leaves
from interfaces.audit.findings import Tallies
from interfaces.audit.ledger import check_ledger
from interfaces.audit.liabilities import check_liabilities
from interfaces.audit.log import check_event_ids
from interfaces.audit.models import Model
from interfaces.audit.positions import check_positions
from interfaces.audit.receipts import check_receipts
from interfaces.audit.scope import Scope
from interfaces.audit.snapshot import Connection, one, rows
from interfaces.audit.snapshots import check_snapshots, streams_with_snapshots
from interfaces.audit.withdrawals import check_withdrawals

Work = Callable[[Connection], Tallies | Read]

OWN_ACCOUNT = ("accounts", "journal")
"""Read models that are compared with what the auditor makes of the stored JSON; all others with their own replay."""

_ENDS = """
    SELECT DISTINCT e.notification_id FROM generate_series(%s::bigint, %s::bigint, %s::bigint) AS mark
    CROSS JOIN LATERAL (
        SELECT notification_id FROM log.events WHERE notification_id >= mark AND append_index = append_size
        ORDER BY notification_id LIMIT 1
    ) AS e ORDER BY e.notification_id
"""
_EVIDENCE = """
    SELECT (SELECT count(*) FROM evidence.checkpoints), (SELECT count(*) FROM evidence.tiles),
        (SELECT count(*) FROM evidence.liability_tiles)
"""
_SNAPSHOTS = "SELECT count(*), coalesce(sum(version), 0)::bigint FROM log.snapshots"


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of work, with the digest of what its result depends on; `again` does what is left of a finished one."""

    name: str
    depends: str
    work: Work
    again: Callable[[Connection], Read] | None = None

    def __call__(self, connection: Connection) -> "Done":
        """Do it."""
        return Done(self.name, self.depends, self.work(connection))

    def rest(self, connection: Connection) -> "Done":
        """Do what is left of it. What that finds was found before."""
        assert self.again is not None
        result = self.again(connection)
        return Done(self.name, "", replace(result, tallies=Tallies()))


@dataclass(frozen=True, slots=True)
class Done:
    """A piece that is done, and what it came to. Without `depends` it is not worth keeping."""

    name: str
    depends: str
    result: Tallies | Read


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is verified: a scope of a log up to its head, its read models, its seals and their hashes."""

    scope: Scope
    head: int
    models: tuple[Model, ...]
    seals: Seals
    hashes: bytes

    @property
    def upto(self) -> int:
        """The last log position that is verified."""
        return min(self.scope.upto, self.head)

    @property
    def replayed(self) -> tuple[Model, ...]:
        """The models that are compared with their own replay."""
        return tuple(model for model in self.models if model.name not in OWN_ACCOUNT)

    def read_within(self, models: Iterable[Model]) -> list[str]:
        """Return how far models have read, as far as this scope can tell."""
        beyond = self.upto + 1
        return [f"{_generation(model)} {min(model.cursor, beyond)}" for model in models]


def subject_of(connection: Connection, scope: Scope, *, head: int, models: tuple[Model, ...], seals: Seals) -> Subject:
    """Return what is verified in this snapshot."""
    return Subject(scope=scope, head=head, models=models, seals=seals, hashes=sealed_leaves(connection))


def pieces_of(connection: Connection, subject: Subject, *, at_once: int) -> list[Piece]:
    """Return the work, in ranges of about `at_once` events: long passes first, none is left for the end."""
    return [*_long(connection, subject), *_history(connection, subject, at_once), *_read(connection, subject, at_once)]


def _long(connection: Connection, subject: Subject) -> Iterator[Piece]:
    scope, seals = subject.scope, subject.seals
    named: Mapping[str, Model] = {model.name: model for model in subject.models}
    where = [str(scope), str(subject.upto)]
    accounts = named.get("accounts")
    sealed = [*where, _digest([subject.hashes]), str(one(connection, _EVIDENCE)), str(seals.key), *seals.kept_outside]
    ledger = partial(check_ledger, accounts=accounts, scope=scope)
    owed = partial(check_liabilities, nonces=seals.nonces, scope=scope)
    yield Piece("ledger", _digest([*where, *subject.read_within([accounts] if accounts else [])]), ledger)
    yield Piece("evidence", _digest(sealed), partial(check_evidence, seals=seals, scope=scope))
    yield Piece("liabilities", _digest([*sealed, str(seals.nonces is None)]), owed)
    for name, check in (
        ("event ids", check_event_ids),
        ("receipts", check_receipts),
        ("positions", check_positions),
        ("withdrawals", check_withdrawals),
    ):
        yield Piece(name, _digest(where), partial(check, scope=scope))
    taken = str(one(connection, _SNAPSHOTS))
    for number, streams in enumerate(streams_with_snapshots(connection), start=1):
        depends = _digest([*where, taken, *streams])
        yield Piece(f"snapshots {number}", depends, partial(check_snapshots, streams=streams, scope=scope))


def _history(connection: Connection, subject: Subject, at_once: int) -> Iterator[Piece]:
    """Read what lies before the scope for the tables that are compared whole, where there are any."""
    scope = subject.scope
    models = tuple(
        model
        for model in subject.replayed
        if model.cursor <= scope.upto and any(not table.in_log_order for table in model.tables.values())
    )
    if models:
        for within in _ranges(connection, 0, scope.behind, at_once=at_once):
            yield Piece(f"before {within.upto}", "", partial(read_again, within=within, models=models, scope=scope))


def _read(connection: Connection, subject: Subject, at_once: int) -> Iterator[Piece]:
    """Read the ranges in scope. Which rows a model should have of one depends on how far it has read there."""
    scope, models = subject.scope, subject.replayed
    journal = next((model for model in subject.models if model.name == "journal"), None)
    compared = models if journal is None else (*models, journal)
    for within in _ranges(connection, scope.behind, subject.upto, at_once=at_once, is_open=scope.is_open):
        hashes = within.part_of(subject.hashes)
        read = [f"{_generation(model)} {min(model.cursor, within.upto)}" for model in compared]
        yield Piece(
            f"events {within.behind} {within.upto}",
            _digest([str(scope), str(within), hashes, *read]),
            partial(check_events, within=within, models=models, journal=journal, hashes=hashes, scope=scope),
            partial(read_again, within=within, models=models),
        )


def _ranges(connection: Connection, behind: int, upto: int, *, at_once: int, is_open: bool = False) -> list[Range]:
    """Cut the log at ends of appends. What follows the last one belongs to it, whatever it is, if the end is open."""
    if behind == upto and not is_open:
        return []
    ends = [end for (end,) in rows(connection, _ENDS, behind + at_once, upto, at_once) if end < upto]
    return [Range(begin, end, is_open and end == upto) for begin, end in pairwise([behind, *ends, upto])]


def _generation(model: Model) -> str:
    return ",".join(sorted({table.schema for table in model.tables.values()}))


def _digest(parts: Sequence[str | bytes] | Iterable[str | bytes]) -> str:
    """Return a hash of parts, told apart by their lengths."""
    encoded = [part.encode() if isinstance(part, str) else part for part in parts]
    return sha256(b"".join(chain.from_iterable((b"%d:" % len(part), part) for part in encoded))).hexdigest()
