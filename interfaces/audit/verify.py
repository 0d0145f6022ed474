"""`audit verify`: everything is read in one snapshot and checked. It decides nothing else and writes nothing.

Long passes in log order (ledger, receipts, trading) and ranges of the log are pieces of work that two processes share.
What is done can be written down piece by piece, so that a verification that is killed goes on (resuming.py).
"""

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from interfaces.audit import (
    claims,
    events,
    evidence,
    ledger,
    liabilities,
    log,
    positions,
    receipts,
    snapshots,
    withdrawals,
)
from interfaces.audit.crew import do_alone, share_out
from interfaces.audit.events import Read
from interfaces.audit.evidence import NO_SEALS, Seals
from interfaces.audit.findings import Finding, Tallies, Tally
from interfaces.audit.log import check_versions
from interfaces.audit.models import check_of, find_models, leave_out
from interfaces.audit.plan import Done, Subject, pieces_of, subject_of
from interfaces.audit.replay import compare_rest
from interfaces.audit.resuming import Progress, progress_in
from interfaces.audit.scope import KEPT, WHOLE, Scope, scope_of
from interfaces.audit.snapshot import Connection, one, open_snapshot
from interfaces.collecting import uncollected
from projections.models import PROJECTIONS

RANGE = 4_000
"""Events in a range, about."""
WORTH_A_HELPER = 20_000
"""Events from which on a second process pays for its start."""

CHECKS: tuple[str, ...] = (
    *log.CHECKS, *events.CHECKS, *receipts.CHECKS, *ledger.CHECKS, *liabilities.CHECKS, *withdrawals.CHECKS,
    *positions.CHECKS, *claims.CHECKS, *snapshots.CHECKS, *evidence.CHECKS, "cursors", *map(check_of, PROJECTIONS),
)  # fmt: skip

Told = Callable[[int, int], None]
"""Is told how many pieces of work are done, and of how many."""

_HEAD = """
    SELECT coalesce((SELECT max(notification_id) FROM log.events), 0),
        coalesce((SELECT max(number) FROM log.receipts), 0)
"""


@dataclass(frozen=True, slots=True)
class Verified:
    """What was verified: the log up to a position with its receipts, how long it took, and every check in its order.

    `taken_over` counts the pieces of work that an earlier run had done.
    """

    log_position: int
    receipts: int
    seconds: float
    checks: tuple[Tally, ...]
    scope: Scope = WHOLE
    taken_over: int = 0

    @property
    def events(self) -> int:
        """Events that were verified."""
        return self.log_position - self.scope.behind

    @property
    def events_per_s(self) -> float:
        """Events that were verified per second, start and end included."""
        return self.events / self.seconds

    @property
    def outside(self) -> int:
        """How much was found outside the range on the way."""
        return sum(check.outside for check in self.checks)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings that are kept, check by check."""
        return tuple(finding for check in self.checks for finding in check.findings)

    @property
    def first_wrong(self) -> Finding | None:
        """The finding at the lowest log position: where to begin to read. None where none has a log position."""
        placed = [finding for finding in self.findings if finding.log_position is not None]
        return min(placed, key=lambda finding: finding.log_position or 0, default=None)

    @property
    def is_sound(self) -> bool:
        """Whether nothing was found."""
        return not any(check.found for check in self.checks)


def verify(
    url: str,
    *,
    processes: int = 2,
    told: Told | None = None,
    seals: Seals = NO_SEALS,
    first: int = 1,
    last: int | None = None,
    kept: int = KEPT,
    progress: Path | None = None,
) -> Verified:
    """Verify everything that the snapshot shows, or what lies between two log positions.

    `url` is of the role lastro_projector, who sees all tenants. `kept` findings of a check are listed. What is done is
    written to the file `progress` and taken over from it. Raises `NoSuchRange`, `CannotResume`.
    """
    started = perf_counter()
    with uncollected(), closing(open_snapshot(url)) as connection, ExitStack() as stack:
        head, receipts_seen = one(connection, _HEAD)
        scope = scope_of(connection, first, last, head=head, kept=kept)
        models, found = find_models(connection, head)
        tallies = Tallies.of(scope)
        tallies.take(found)
        subject = subject_of(connection, scope, head=head, models=models, seals=seals)
        done = stack.enter_context(progress_in(progress, connection, subject))
        shared = processes > 1 and head >= WORTH_A_HELPER
        helped = url if shared else None
        reads, taken_over = _work(connection, subject, helped, done=done, tallies=tallies, told=told)
        _put_together(connection, subject, reads, tallies=tallies)
        checks = tuple(tallies[check] for check in dict.fromkeys((*CHECKS, *tallies)))
    receipts_seen = min(receipts_seen, scope.receipts_upto) - scope.receipts_behind
    return Verified(subject.upto, receipts_seen, perf_counter() - started, checks, scope, taken_over)


def _work(
    connection: Connection,
    subject: Subject,
    helped: str | None,
    *,
    done: Progress,
    tallies: Tallies,
    told: Told | None,
) -> tuple[list[Read], int]:
    """Do the pieces, and of those that an earlier run has done what is left; return ranges, and how many were done."""
    work: list[Callable[[Connection], Done]] = []
    taken_over = 0
    for piece in pieces_of(connection, subject, at_once=RANGE):
        known = done.of(piece)
        if known is None:
            work.append(piece)
            continue
        tallies.take(known)
        taken_over += 1
        if piece.again is not None:
            work.append(piece.rest)
    reads: list[Read] = []
    with closing(share_out(work, connection, helped) if helped else do_alone(work, connection)) as all_done:
        for number, one_done in enumerate(all_done, start=1):
            done.write(one_done)
            result = one_done.result
            if isinstance(result, Read):
                reads.append(result)
            tallies.take(result.tallies if isinstance(result, Read) else result)
            if told is not None:
                told(number, len(work))
    return reads, taken_over


def _put_together(connection: Connection, subject: Subject, reads: list[Read], *, tallies: Tallies) -> None:
    """Look at what only shows when all ranges are read: streams that go on, and tables that are compared whole."""
    reads.sort(key=lambda read: read.within.behind)
    behind = subject.scope.behind
    in_scope = [read.streams for read in reads if read.within.behind >= behind]
    check_versions(connection, in_scope, behind=behind, tallies=tallies)
    for model in subject.replayed:
        if model.cursor > subject.scope.upto:
            leave_out(model, tallies)
        else:
            changes = (read.changes[model.name] for read in reads if model.name in read.changes)
            compare_rest(connection, model, changes=changes, tallies=tallies)
