"""The follower that keeps the evidence: it hashes what was appended, stores whole tiles, and has checkpoints signed.

It stands beside the log: nothing waits for it. Two of them may run; a checkpoint's number is taken once, and whoever
comes second begins anew from what is stored.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog
from psycopg.errors import UniqueViolation
from psycopg_pool import AsyncConnectionPool

from application.evidence.checkpoints import Checkpoint
from application.evidence.leaves import EVENT_FIELDS, RECEIPT_FIELDS, Stored, StoredEvent, StoredReceipt, leaf_hash
from application.evidence.liabilities import Cut
from application.evidence.liability_cuts import store_cut, take_cut
from application.evidence.trees import TILE_HEIGHT, Tile, Tree, split
from application.ports import Clock, Nonces, Notary
from application.store import Connection
from domain.liabilities.sums import NoLiability
from domain.merkle import Frontier

log = structlog.get_logger()

PORTION = 5_000
LOOK_S = 1.0

LIABILITIES_S = 3_600.0

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ"
_LAST = """
    SELECT number, events_tail, receipts_tail, note FROM evidence.checkpoints ORDER BY number DESC LIMIT 1
"""
_LAST_CUT = r"SELECT note FROM evidence.checkpoints WHERE note LIKE E'%\nliabilities %' ORDER BY number DESC LIMIT 1"
_TILES = "SELECT root, chain FROM evidence.tiles WHERE tree = %s ORDER BY tile"
_EVENTS = f"SELECT {EVENT_FIELDS} FROM log.events WHERE notification_id > %s ORDER BY notification_id LIMIT %s"
_RECEIPTS = f"""
    SELECT {RECEIPT_FIELDS} FROM log.receipts WHERE number > %s AND coalesce(last_log_position, 0) <= %s
    ORDER BY number LIMIT %s
"""
_ADD_TILE = "INSERT INTO evidence.tiles (tree, tile, leaves, root, chain) VALUES (%s, %s, %s, %s, %s)"
_ADD_CHECKPOINT = """
    INSERT INTO evidence.checkpoints (number, events, receipts, events_tail, receipts_tail, note)
    VALUES (%s, %s, %s, %s, %s, %s)
"""


class EvidenceBroken(Exception):
    """What is stored does not add up to what was signed: somebody changed it, and no more is signed on top of it."""


@dataclass(slots=True)
class _Pending:
    """The trees as far as they were read, the tiles that are not stored yet, and the last checkpoint's number."""

    number: int = 0
    events: Tree = field(default_factory=Tree)
    receipts: Tree = field(default_factory=Tree)
    tiles: list[tuple[str, Tile]] = field(default_factory=list)
    unsigned: int = 0
    last_cut: Checkpoint | None = None

    def add(self, events: Sequence[Stored], receipts: Sequence[Stored]) -> None:
        """Take in what was read."""
        self.events, whole_events = self.events.add([leaf_hash(one) for one in events])
        self.receipts, whole_receipts = self.receipts.add([leaf_hash(one) for one in receipts])
        self.tiles += [("events", tile) for tile in whole_events]
        self.tiles += [("receipts", tile) for tile in whole_receipts]
        self.unsigned += len(events) + len(receipts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Liabilities:
    """That the trees of what is owed to users are put under a checkpoint after `every_s` seconds."""

    nonces: Nonces
    every_s: float = LIABILITIES_S

    def are_due(self, last: Checkpoint | None, *, events: int, now: datetime) -> bool:
        """Tell whether something has happened since the last cut, and that is old enough."""
        if last is None:
            return events > 0
        return events > last.events.size and (now - last.signed_at).total_seconds() >= self.every_s


class Evidence:
    """Keeps the evidence of a log. A checkpoint is signed after `every_events` leaves or `every_s` seconds.

    Without `liabilities` no checkpoint has trees of what is owed.
    """

    def __init__(
        self,
        *,
        pool: AsyncConnectionPool[Connection],
        notary: Notary,
        clock: Clock,
        every_events: int = 10_000,
        every_s: float = 10.0,
        liabilities: Liabilities | None = None,
    ) -> None:
        self._pool = pool
        self._notary = notary
        self._clock = clock
        self._every_events = every_events
        self._every_s = every_s
        self._liabilities = liabilities
        self.log_position = 0

    async def run(self) -> None:
        """Follow the log for ever."""
        loop = asyncio.get_running_loop()
        pending, signed_at = await self._stored(), loop.time()
        while True:
            more = await self._read(pending)
            due = pending.unsigned >= self._every_events or loop.time() - signed_at >= self._every_s
            owed = not more and self._are_due(pending)
            if owed or (pending.unsigned and due):
                pending, signed_at = await self._sign(pending, liabilities=owed), loop.time()
            if not more:
                await asyncio.sleep(LOOK_S)

    async def seal(self) -> None:
        """Have everything signed that is in the log now, with what is owed to users."""
        pending = await self._stored()
        while True:
            while await self._read(pending):
                pass
            owed, events = self._are_due(pending, waiting=False), pending.events
            if not owed and not pending.unsigned:
                return
            pending = await self._sign(pending, liabilities=owed)
            if pending.events is events:  # Else another was quicker, and we began anew behind its checkpoint.
                return

    def _are_due(self, pending: _Pending, *, waiting: bool = True) -> bool:
        if self._liabilities is None:
            return False
        due = self._liabilities if waiting else replace(self._liabilities, every_s=0)
        return due.are_due(pending.last_cut, events=pending.events.size, now=self._clock.now())

    async def _stored(self) -> _Pending:
        """Return the trees as of the last checkpoint. Raises `EvidenceBroken`."""
        async with self._pool.connection() as connection:
            last = await (await connection.execute(_LAST, binary=True)).fetchone()
            if last is None:
                return _Pending()
            number, events_tail, receipts_tail, note = last
            events = await _tree(connection, "events", events_tail)
            receipts = await _tree(connection, "receipts", receipts_tail)
            cut = await (await connection.execute(_LAST_CUT)).fetchone()
        signed, last_cut = _parsed(note), _parsed(cut[0]) if cut else None
        if (signed.events, signed.receipts) != (events.head, receipts.head):
            raise EvidenceBroken(f"tiles and tails of checkpoint {number} are not what was signed")
        self.log_position = events.size
        return _Pending(number=number, events=events, receipts=receipts, last_cut=last_cut)

    async def _read(self, pending: _Pending) -> bool:
        """Read on to the end of an append, and the receipts up to there; return whether there may be more."""
        async with self._pool.connection() as connection:
            await connection.execute(_BEGIN)
            try:
                found = await connection.execute(_EVENTS, (pending.events.size, PORTION), binary=True)
                events = [StoredEvent(*row) for row in await found.fetchall()]
                while events and events[-1].append_index != events[-1].append_size:
                    events.pop()
                end = events[-1].log_position if events else pending.events.size
                found = await connection.execute(_RECEIPTS, (pending.receipts.size, end, PORTION), binary=True)
                receipts = _without_gap([StoredReceipt(*row) for row in await found.fetchall()], pending.receipts.size)
            finally:
                await connection.execute("ROLLBACK")
        if events and events[0].log_position != pending.events.size + 1:
            raise EvidenceBroken(f"there is no event {pending.events.size + 1}")
        await asyncio.to_thread(pending.add, events, receipts)
        self.log_position = pending.events.size
        return len(events) + len(receipts) >= PORTION

    async def _sign(self, pending: _Pending, *, liabilities: bool) -> _Pending:
        """Store what is pending under a signed checkpoint; where another did so first, begin anew behind its.

        Raises `EvidenceBroken`.
        """
        cut = await self._cut(pending.events.size) if liabilities else None
        if cut is None and not pending.unsigned:
            return replace(pending, last_cut=self._checkpoint(pending, cut))
        checkpoint, number = self._checkpoint(pending, cut), pending.number + 1
        note = self._notary.sign(checkpoint.text)
        tails = b"".join(pending.events.tail), b"".join(pending.receipts.tail)
        row = (number, checkpoint.events.size, checkpoint.receipts.size, *tails, note)
        try:
            async with self._pool.connection() as connection, connection.transaction():
                await connection.execute(_ADD_CHECKPOINT, row)
                for tree, tile in pending.tiles:
                    await connection.execute(_ADD_TILE, (tree, tile.index, tile.hashes, tile.root, tile.chain))
                if cut is not None:
                    await store_cut(connection, cut, checkpoint=number, key=str(self._notary.key))
        except UniqueViolation as error:
            stored = await self._stored()
            if stored.number < number:  # Whoever was quicker would have left its checkpoint.
                raise EvidenceBroken(f"there are trees of checkpoint {number}, which is not there") from error
            log.info("evidence.overtaken", number=number)
            return stored
        last_cut = checkpoint if liabilities else pending.last_cut
        return _Pending(number=number, events=pending.events, receipts=pending.receipts, last_cut=last_cut)

    async def _cut(self, log_position: int) -> Cut | None:
        """Return the trees of what is owed; where they cannot be made the log is sealed without them, and we say so."""
        assert self._liabilities is not None, "it is due"
        try:
            async with self._pool.connection() as connection, connection.transaction():
                cut = await take_cut(connection, self._liabilities.nonces, log_position=log_position)
        except NoLiability as error:
            log.error("evidence.no_liabilities", log_position=log_position, error=str(error))  # noqa: TRY400 - it says all
            return None
        return cut if cut.trees else None

    def _checkpoint(self, pending: _Pending, cut: Cut | None) -> Checkpoint:
        return Checkpoint(
            origin=self._notary.origin,
            events=pending.events.head,
            receipts=pending.receipts.head,
            signed_at=self._clock.now(),
            liabilities=cut.root if cut else None,
        )


def _parsed(note: str) -> Checkpoint:
    return Checkpoint.parse(note.partition("\n\n")[0] + "\n")


async def _tree(connection: Connection, name: str, tail: bytes) -> Tree:
    rows = await (await connection.execute(_TILES, (name,), binary=True)).fetchall()
    whole = Frontier().add(*(root for root, _ in rows), height=TILE_HEIGHT)
    return Tree(whole=whole, tail=split(tail), **({"chain": rows[-1][1]} if rows else {}))


def _without_gap(receipts: list[StoredReceipt], size: int) -> list[StoredReceipt]:
    """Leave out what comes behind a receipt whose events are not read yet."""
    return [receipt for number, receipt in enumerate(receipts, start=size + 1) if receipt.number == number]
