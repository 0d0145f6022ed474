"""The store: ordered reading of the log, loading of streams, look-up of receipts, and the call of `log.append()`.

It moves rows and decides nothing: rules are in `domain`, grouping and retrying in `committer`. Reads never end inside
an append.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, cast

from psycopg import AsyncConnection
from psycopg.adapt import Loader
from psycopg.pq import Format
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from application.calls import Call
from application.commands import Envelope
from application.log import Batch, Receipt, Recorded

Connection = AsyncConnection[TupleRow]
Outcome = Literal["appended", "receipts", "moved", "epoch"]

EVENT_COLUMNS = (
    "notification_id, originator_id, originator_version, topic, state, event_id, tenant, actor, command_id, "
    "correlation_id, causation_id, append_id, append_index, append_size, recorded_at"
)
RECEIPT_COLUMNS = (
    "number, command_id, tenant, actor, key, encode(input_hash, 'hex'), name, "
    "first_log_position, last_log_position, answer, recorded_at"
)
_READ_AFTER = f"SELECT {EVENT_COLUMNS} FROM log.events WHERE notification_id > %s ORDER BY notification_id LIMIT %s"
_READ_NAMED = f"""
    WITH scanned AS (
        SELECT notification_id + append_size - append_index AS upto FROM log.events
        WHERE notification_id <= %(after)s::bigint + %(limit)s ORDER BY notification_id DESC LIMIT 1
    )
    SELECT upto, {EVENT_COLUMNS} FROM scanned LEFT JOIN log.events
        ON notification_id > %(after)s AND notification_id <= upto AND topic = ANY(%(names)s)
    ORDER BY notification_id
"""
_RECORDED_AT = "SELECT recorded_at FROM log.events WHERE notification_id = %s"
_READ_STREAM = f"SELECT {EVENT_COLUMNS} FROM log.events WHERE originator_id = %s ORDER BY originator_version"
_READ_EVENT = f"SELECT {EVENT_COLUMNS} FROM log.events WHERE event_id = %s"
_READ_RECEIPTS = f"SELECT {RECEIPT_COLUMNS} FROM log.receipts WHERE command_id = ANY(%s::uuid[])"
_LOAD = """
    SELECT s.stream, coalesce(n.version, s.version),
        CASE WHEN e.originator_version IS NULL OR e.originator_version = n.version + 1 THEN n.state END,
        e.originator_version, e.topic, e.state
    FROM unnest(%s::text[], %s::bigint[], %s::text[]) WITH ORDINALITY AS s (stream, version, schema_hash, n)
    LEFT JOIN LATERAL (
        SELECT version, state FROM log.snapshots
        WHERE stream = s.stream AND schema_hash = s.schema_hash AND version > s.version AND EXISTS (
            SELECT FROM log.events WHERE originator_id = s.stream AND originator_version = log.snapshots.version
        )
        ORDER BY version DESC LIMIT 1
    ) AS n ON true
    LEFT JOIN log.events AS e
        ON e.originator_id = s.stream AND e.originator_version > coalesce(n.version, s.version)
    ORDER BY s.n, e.originator_version
"""
_GROWN = """
    SELECT DISTINCT originator_id FROM log.events
    WHERE notification_id > %s AND notification_id <= %s AND mod(originator_version, %s) = 0
"""
_APPEND = Call(
    "lastro_append",
    "SELECT outcome, head, receipt, appended_at, array_to_string(detail, e'\\x1e')"
    f" FROM log.append({', '.join(f'${number}' for number in range(1, 16))})",
)


class _HexUuid(Loader):
    """Load a uuid as 32 hexadecimal digits; building a UUID object would cost more than reading the row."""

    format = Format.BINARY

    def load(self, data: bytes | bytearray | memoryview) -> str:
        return bytes(data).hex()


def speak_hex_ids(connection: AsyncConnection[Any]) -> None:
    """Make a connection return uuids in the form that ids have everywhere in Lastro."""
    connection.adapters.register_loader("uuid", _HexUuid)


@dataclass(slots=True)
class Group:
    """What `log.append()` takes: three families of lists (streams, commands, events), as it describes them.

    `versions` holds the base of each stream that is read or written, None for one that is written without. An event
    names its stream by place, counted from 1; `ends` counts the events up to and with those of each command. A stream
    that is read and also written without a base has two places, which the database refuses: its reader saw too little.
    `after` is the last command that was done when all these versions were true, and `done` the number of its receipt;
    None where nobody can say. `strictly` says that it is not committed yet: this group was decided on top of its group
    and is nothing without it; `done` is its number then if nobody else comes in between.
    """

    seen_head: int = 0
    after: str | None = None
    done: int | None = None
    strictly: bool = False
    streams: list[str] = field(default_factory=list)
    versions: list[int | None] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    command_ids: list[str] = field(default_factory=list)
    correlation_ids: list[str] = field(default_factory=list)
    causation_ids: list[str | None] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    event_ids: list[str] = field(default_factory=list)
    event_streams: list[int] = field(default_factory=list)
    _based: dict[str, int] = field(default_factory=dict)
    _open: dict[str, int] = field(default_factory=dict)
    """Places of the streams that have a base, and of those that are written without."""

    @property
    def bases(self) -> dict[str, int]:
        """The versions that the group was decided on."""
        places = zip(self.streams, self.versions, strict=True)
        return {stream: version for stream, version in places if version is not None}

    def place(self, stream: str, version: int | None) -> int:
        """Return the place of a stream, with this base where it is new to the group."""
        places = self._open if version is None else self._based
        place = places.get(stream)
        if place is None:
            self.streams.append(stream)
            self.versions.append(version)
            place = places[stream] = len(self.streams)
        return place

    def add_event(self, event_id: str, place: int, *, name: str, state: bytes) -> None:
        """Add an event of the command that ends next; `state` is JSON in UTF-8."""
        self.event_ids.append(event_id)
        self.event_streams.append(place)
        self.facts += (name, state.decode())

    def end_command(self, envelope: Envelope, *, name: str, answer: str) -> None:
        """Add a command, with the events since the one before; `answer` is JSON."""
        self.commands += (envelope.tenant, envelope.actor, envelope.key, envelope.input_hash, name, answer)
        self.command_ids.append(envelope.command_id)
        self.correlation_ids.append(envelope.correlation_id)
        self.causation_ids.append(envelope.causation_id)
        self.ends.append(len(self.event_ids))

    def parameters(self) -> list[str | None]:
        """Return the arguments of `log.append()`. Joined texts are several times faster to make than arrays of them."""
        return [
            str(self.seen_head), self.after, None if self.done is None else str(self.done), str(self.strictly),
            _texts(self.streams), _array(self.versions),
            _texts(self.commands), _ids(self.command_ids), _ids(self.correlation_ids), _array(self.causation_ids),
            _array(self.ends), _texts(self.facts), _ids(self.event_ids), _array(self.event_streams),
            str(len(set(self.event_streams)) < len(self.event_streams)),
        ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Appended:
    """What `log.append()` said (schema/022_one_transaction_an_append.sql); the numbers are those before the group.

    `recorded_at` is None where nothing was appended to an empty log.
    """

    outcome: Outcome
    head: int
    receipt: int
    recorded_at: datetime | None
    detail: Sequence[str] | None


@dataclass(frozen=True, slots=True)
class Loaded:
    """A stream's tail: a newer snapshot's version and bytes, if any, then (version, name, state) of later events."""

    version: int
    snapshot: bytes | None
    events: list[tuple[int, str, bytes]]


async def append(connection: Connection, group: Group) -> Appended:
    """Call `log.append()`: one round trip, all or nothing. The connection must be in READ COMMITTED."""
    ((outcome, head, receipt, recorded_at, detail),) = await _APPEND.rows(connection, group.parameters())
    return Appended(
        outcome=cast("Outcome", outcome),
        head=int(head),
        receipt=int(receipt),
        recorded_at=datetime.fromisoformat(recorded_at).astimezone(UTC) if recorded_at else None,
        detail=detail.split("\x1e") if detail else None,
    )


async def hold(connection: Connection) -> int:
    """Take the append lock for the rest of the transaction; return the head."""
    row = await (await connection.execute("SELECT log.append_hold()")).fetchone()
    assert row is not None
    return int(row[0])


class Store:
    """Reads of the log through a pool of the application's role."""

    def __init__(self, pool: AsyncConnectionPool[Connection]) -> None:
        self._pool = pool

    async def load(self, wanted: Mapping[str, tuple[int, str]]) -> dict[str, Loaded]:
        """Read tails of streams, {stream: (version already known, schema hash of snapshots)}, in one round trip."""
        async with self._pool.connection() as connection:
            return await load(connection, wanted)

    async def read_after(self, log_position: int, *, limit: int) -> Batch:
        """Read up to `limit` events behind a log position, cut at the last append end (or one append, if longer)."""
        async with self._pool.connection() as connection:
            while True:
                cursor = await connection.execute(_READ_AFTER, (log_position, limit), prepare=True, binary=True)
                events = [Recorded(*row) for row in await cursor.fetchall()]
                whole = len(events)
                while whole and not events[whole - 1].ends_append:
                    whole -= 1
                if whole or not events:
                    end = events[whole - 1].log_position if whole else log_position
                    return Batch(events=events[:whole], end=end)
                limit = max(limit, events[0].append_size)

    async def read_named(self, log_position: int, names: Collection[str], *, limit: int) -> Batch:
        """Read the events of these names among about `limit` events behind a log position, up to the end of an append.

        For followers that want little of what is there: what they skip is neither sent nor decoded.
        """
        async with self._pool.connection() as connection:
            wanted = {"after": log_position, "limit": limit, "names": list(names)}
            rows = await (await connection.execute(_READ_NAMED, wanted, prepare=True, binary=True)).fetchall()
            end = max([log_position, *(row[0] for row in rows[:1])])
            return Batch(events=[Recorded(*row[1:]) for row in rows if row[1] is not None], end=end)

    async def position_before(self, moment: datetime) -> int:
        """Return the last log position that was recorded before a moment; times never decrease along the log."""
        low, high = 0, await self.head()
        async with self._pool.connection() as connection:
            while low < high:
                middle = (low + high + 1) // 2
                row = await (await connection.execute(_RECORDED_AT, (middle,), prepare=True)).fetchone()
                assert row is not None
                low, high = (middle, high) if row[0] < moment else (low, middle - 1)
        return low

    async def read_stream(self, stream: str) -> list[Recorded]:
        """Read a whole stream, oldest first."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_READ_STREAM, (stream,), binary=True)
            return [Recorded(*row) for row in await cursor.fetchall()]

    async def grown(self, after: int, upto: int, *, every: int) -> list[str]:
        """Return the streams that passed a multiple of `every` events between two log positions."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_GROWN, (after, upto, every), prepare=True)
            return [row[0] for row in await cursor.fetchall()]

    async def find_event(self, event_id: str) -> Recorded | None:
        """Find an event by its id; None where there is none."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_READ_EVENT, (event_id,), binary=True)
            row = await cursor.fetchone()
            return None if row is None else Recorded(*row)

    async def receipts(self, command_ids: Iterable[str]) -> dict[str, Receipt]:
        """Look up receipts by command id."""
        async with self._pool.connection() as connection:
            return await receipts(connection, command_ids)

    async def head(self) -> int:
        """Return the last log position; 0 for an empty log."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute("SELECT coalesce(max(notification_id), 0) FROM log.events", prepare=True)
            row = await cursor.fetchone()
            assert row is not None
            return int(row[0])


async def load(connection: Connection, wanted: Mapping[str, tuple[int, str]]) -> dict[str, Loaded]:
    """Read the tails of streams on a given connection; see `Store.load`."""
    versions = [version for version, _ in wanted.values()]
    hashes = [schema_hash for _, schema_hash in wanted.values()]
    cursor = await connection.execute(_LOAD, (list(wanted), versions, hashes), prepare=True, binary=True)
    loaded: dict[str, Loaded] = {}
    for stream, base, snapshot, version, name, state in await cursor.fetchall():
        if stream not in loaded:
            loaded[stream] = Loaded(base, snapshot, [])
        if version is not None:
            loaded[stream].events.append((version, name, state))
    return loaded


async def receipts(connection: Connection, command_ids: Iterable[str]) -> dict[str, Receipt]:
    """Look up receipts on a given connection."""
    cursor = await connection.execute(_READ_RECEIPTS, (list(command_ids),), binary=True)
    return {row[1]: _receipt(row) for row in await cursor.fetchall()}


def _receipt(row: tuple[Any, ...]) -> Receipt:
    number, command_id, tenant, actor, key, input_hash, name, first, last, answer, recorded_at = row
    return Receipt(
        number=number, command_id=command_id, tenant=tenant, actor=actor, key=key, input_hash=input_hash, name=name,
        first_log_position=first, last_log_position=last, answer=answer, recorded_at=recorded_at,
    )  # fmt: skip


_texts = "\x1e".join


def _ids(items: Sequence[str]) -> str:
    return "{" + ",".join(items) + "}"


def _array(items: Sequence[str | int | None]) -> str:
    return "{" + ",".join(["NULL" if item is None else str(item) for item in items]) + "}"
