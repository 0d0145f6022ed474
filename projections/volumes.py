"""Volume by account root and month: how much was debited and credited below each root, per asset.

The example of docs/admin.md: what a new read model takes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from application.log import Recorded
from application.store import Connection
from domain.ledger.entry import EntryPosted
from domain.money import Amount
from projections.changes import Add, Change
from projections.reading import Answer, amount, fetch, log_position

NAME = "volumes"
HANDLES = (EntryPosted,)


def apply(recorded: Recorded, event: EntryPosted) -> Iterator[Change]:
    """Add each posting to its root's month."""
    tenant, month = recorded.tenant, _month(event.entry.effective_at)
    for posting in event.entry.postings:
        units, asset = posting.amount.units, posting.amount.asset
        yield Add(
            "volumes",
            {"tenant": tenant, "month": month, "root": posting.account.partition(":")[0], "asset": asset.code},
            {"debited": max(0, units), "credited": -units if units < 0 else 0, "postings": 1},
            {"scale": asset.scale},
        )


def summed(events: Iterable[tuple[str, EntryPosted]]) -> Iterator[Change]:
    """Add what `apply` adds for each entry, in one change for each root, month and asset."""
    sums: dict[tuple[str, str, str, str, int], list[int]] = {}
    for tenant, event in events:
        month = _month(event.entry.effective_at)
        for posting in event.entry.postings:
            units, asset = posting.amount.units, posting.amount.asset
            key = tenant, month, posting.account.partition(":")[0], asset.code, asset.scale
            found = sums.get(key) or sums.setdefault(key, [0, 0, 0])
            found[2] += 1
            if units > 0:
                found[0] += units
            else:
                found[1] -= units
    for (tenant, month, root, code, scale), (debited, credited, postings) in sums.items():
        yield Add(
            "volumes",
            {"tenant": tenant, "month": month, "root": root, "asset": code},
            {"debited": debited, "credited": credited, "postings": postings},
            {"scale": scale},
        )


@lru_cache(maxsize=1_024)
def _month(time: datetime) -> str:
    """Return the month of a time in UTC; many entries share theirs."""
    return time.astimezone(UTC).isoformat()[:7]


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """What moved below a root in a month, both amounts unsigned."""

    month: str
    root: str
    debited: Amount
    credited: Amount
    postings: int


_LIST = "SELECT month, root, asset, scale, debited, credited, postings FROM read.volumes ORDER BY month, root, asset"


async def list_volumes(connection: Connection) -> Answer[tuple[Volume, ...]]:
    """Return all volumes by month, root and asset."""
    position = await log_position(connection, NAME)
    return Answer(tuple(await fetch(connection, _volume, _LIST)), position)


def _volume(*, month: str, root: str, asset: str, scale: int, debited: int, credited: int, postings: int) -> Volume:
    return Volume(
        month=month,
        root=root,
        debited=amount(units=debited, scale=scale, asset=asset),
        credited=amount(units=credited, scale=scale, asset=asset),
        postings=postings,
    )
