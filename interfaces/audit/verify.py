"""`audit verify`: everything is read in one snapshot and checked. It decides nothing else and writes nothing.

Long passes in log order (ledger, receipts, trading) and ranges of the log are pieces of work that two processes share.
"""

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
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
from interfaces.audit.crew import helper, share_out, uncollected
from interfaces.audit.events import Range, Read, check_events
from interfaces.audit.evidence import NO_SEALS, Seals, check_evidence, sealed_leaves
from interfaces.audit.findings import Finding, Tallies, Tally
from interfaces.audit.ledger import check_ledger
from interfaces.audit.liabilities import check_liabilities
from interfaces.audit.log import check_event_ids, check_versions
from interfaces.audit.models import Model, check_of, find_models
from interfaces.audit.positions import check_positions
from interfaces.audit.receipts import check_receipts
from interfaces.audit.replay import compare_rest
from interfaces.audit.snapshot import Connection, one, open_snapshot, rows
from interfaces.audit.snapshots import check_snapshots, streams_with_snapshots
from interfaces.audit.withdrawals import check_withdrawals
from projections.models import PROJECTIONS

RANGE = 4_000
"""Events in a range, about."""
WORTH_A_HELPER = 20_000
"""Events from which on a second process pays for its start."""

OWN_ACCOUNT = ("accounts", "journal")
"""Read models that are compared with what the auditor makes of the stored JSON; all others with their own replay."""

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
_ENDS = """
    SELECT DISTINCT e.notification_id FROM generate_series(%s::bigint, %s::bigint, %s::bigint) AS mark
    CROSS JOIN LATERAL (
        SELECT notification_id FROM log.events WHERE notification_id >= mark AND append_index = append_size
        ORDER BY notification_id LIMIT 1
    ) AS e ORDER BY e.notification_id
"""


@dataclass(frozen=True, slots=True)
class Verified:
    """What was verified: the log up to a position with its receipts, how long it took, and every check in its order."""

    log_position: int
    receipts: int
    seconds: float
    checks: tuple[Tally, ...]

    @property
    def events_per_s(self) -> float:
        """Events that were verified per second, start and end included."""
        return self.log_position / self.seconds

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


def verify(url: str, *, processes: int = 2, told: Told | None = None, seals: Seals = NO_SEALS) -> Verified:
    """Verify everything that the snapshot shows. `url` is of the role lastro_projector, who sees all tenants."""
    started = perf_counter()
    with uncollected(), closing(open_snapshot(url)) as connection, ExitStack() as stack:
        head, receipts_seen = one(connection, _HEAD)
        models, tallies = find_models(connection, head)
        pieces = _pieces(connection, head, models, seals=seals)
        shared = processes > 1 and head >= WORTH_A_HELPER
        executor = stack.enter_context(helper(url, connection)) if shared else None
        reads: list[Read] = []
        for done, result in enumerate(share_out(pieces, connection, executor), start=1):
            if isinstance(result, Read):
                reads.append(result)
            tallies.take(result.tallies if isinstance(result, Read) else result)
            if told is not None:
                told(done, len(pieces))
        reads.sort(key=lambda read: read.within.behind)
        check_versions((read.streams for read in reads), tallies)
        for model in models:
            if model.name not in OWN_ACCOUNT:
                changes = (read.changes[model.name] for read in reads)
                compare_rest(connection, model, changes=changes, tallies=tallies)
    checks = tuple(tallies[check] for check in dict.fromkeys((*CHECKS, *tallies)))
    return Verified(head, receipts_seen, perf_counter() - started, checks)


def _pieces(
    connection: Connection, head: int, models: tuple[Model, ...], *, seals: Seals
) -> list[Callable[[Connection], Tallies | Read]]:
    """Return the work: long passes first, which the helper begins with."""
    named = {model.name: model for model in models}
    hashes = sealed_leaves(connection)
    replayed = tuple(model for model in models if model.name not in OWN_ACCOUNT)
    return [
        partial(check_evidence, seals=seals),
        partial(check_ledger, accounts=named.get("accounts"), journal=named.get("journal")),
        partial(check_liabilities, nonces=seals.nonces),
        check_event_ids,
        check_receipts,
        check_positions,
        check_withdrawals,
        *(partial(check_snapshots, streams=streams) for streams in streams_with_snapshots(connection)),
        *(
            partial(check_events, within=within, models=replayed, hashes=within.part_of(hashes))
            for within in _ranges(connection, head)
        ),
    ]


def _ranges(connection: Connection, head: int) -> list[Range]:
    """Cut the log at ends of appends. What follows the last one belongs to it, whatever it is."""
    ends = [end for (end,) in rows(connection, _ENDS, RANGE, head, RANGE) if end < head]
    cuts = [0, *ends, head]
    return [Range(behind, upto, upto == head) for behind, upto in pairwise(cuts)]
