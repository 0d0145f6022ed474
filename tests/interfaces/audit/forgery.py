"""Sound books made through the real command path, and ways to spoil them behind its back.

What `log.append()` takes without a word is appended; what it refuses is changed by the owner with the guards off.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from application.codec import encode, event_id_of
from application.commands import Envelope
from application.snapshots import Snapshots
from application.store import Group, append
from application.streams import is_house, is_open
from domain.ids import AccountPath, ConnectionId, EntryId, UserId
from domain.instruments import InstrumentId, portfolio_asset
from domain.ledger.entry import EntryPosted, JournalEntry, Posting
from domain.money import Asset
from domain.orders.order import Order
from domain.orders.terms import Side
from domain.positions.terms import PositionKey
from interfaces.audit.verify import verify
from interfaces.postgres.configuration import Urls
from tests.projections import cashier, till
from tests.projections.house import BANK, House, coins, name

CREDIT = Asset("CREDIT", 0)
USD = Asset("USD", 2)

Found = set[tuple[str, int | None]]


@dataclass(frozen=True, slots=True)
class Books:
    """A house, its users and their connection, and some of what they did."""

    house: House
    ana: UserId
    bob: UserId
    connection: ConnectionId
    deposit: str
    reversed: str
    reversal: str
    last_order: Order

    @property
    def key(self) -> PositionKey:
        """The position that Ana's fills made."""
        return PositionKey(connection=self.connection, instrument=InstrumentId("btc-usdt"))


async def some_books(house: House) -> Books:
    """Let a little of everything happen: Ana ends with 50.00 USD and 2 BTC that cost 61 000."""
    await house.open()
    for code in ("BTC", "USDT"):
        await house.asset(code)
    ana, bob = await house.user("ana"), await house.user("bob")
    deposit = await house.deposit(ana, 5_000)
    mistake = await house.deposit(bob, 700)
    reversal = await house.reverse(mistake)
    await house.post((BANK, 10**6), ("equity:owner", -(10**6)), reference="capital")
    connection = await house.connection(ana)
    order = None
    for side, price in ((Side.BUY, 30_000), (Side.BUY, 31_000), (Side.BUY, 32_000), (Side.SELL, 33_000)):
        order = await house.order(ana, connection, side=side)
        await house.fill(order, price, fee=coins(3, "USDT"))
    assert order is not None
    await house.reject(await house.order(ana, connection, side=Side.SELL), "no such thing")
    carol = await house.user("carol")
    to = await cashier.destination(house, carol)
    await cashier.proposal(house, await cashier.withdrawal(house, carol, to, cents=60_000))
    await cashier.payout_file(house, carol, to)
    await till.some_funding(house, carol)
    await cashier.transfer(house, carol, to=await house.user("dora"))
    await cashier.exchange(house, carol)
    await cashier.api_key(house, carol)
    await house.deposit(carol, 100)
    return Books(house, ana, bob, connection, deposit, mistake, reversal, order)


def found(urls: Urls) -> Found:
    """Verify; return the checks that found something, and where."""
    return {(finding.check, finding.log_position) for finding in verify(urls.projector).findings}


def entry(
    *lines: tuple[str, str],
    label: str = "forged",
    kind: str = "deposit",
    reference: str | None = None,
    now: datetime,
    effective_at: datetime | None = None,
    reverses: str | None = None,
    metadata: dict[str, str] | None = None,
) -> EntryPosted:
    """Return a posted entry of lines (account, amount with asset), such as ("assets:psp:x", "-1.00 USD")."""
    id = EntryId(name("forged entry", label))
    made = JournalEntry(
        id=id,
        kind=kind,
        reference=reference or id,
        occurred_at=now,
        effective_at=effective_at or now,
        postings=tuple(_posting(account, text) for account, text in lines),
        metadata=metadata or {},
        reverses=None if reverses is None else EntryId(reverses),
    )
    return EntryPosted(entry=made, posted_at=now)


def _posting(account: str, text: str) -> Posting:
    value, code = text.split()
    company = CREDIT if code == "CREDIT" else USD
    asset = portfolio_asset(code) if account.startswith("portfolio:") else company
    digits = value.partition(".")[2]
    return Posting(AccountPath(account), asset.amount(int(value.replace(".", "")) * 10 ** (asset.scale - len(digits))))


async def forge(house: House, *written: tuple[str, Any], label: str = "forged") -> int:
    """Append events that nobody decided, each to a stream of Acme, as one command; return the first's log position."""
    group = Group()
    command_id = name("forged command", label)
    for number, (stream, event) in enumerate(written, start=1):
        base = None if is_open(stream) else len(await house.store.read_stream(stream))
        event_name, state = encode(event)
        place = group.place(stream, base)
        group.add_event(event_id_of(event, command_id, number), place, name=event_name, state=state)
    envelope = Envelope(
        tenant=house.tenant,
        actor="cli:forger",
        command_id=command_id,
        key=command_id,
        input_hash=command_id * 2,
        correlation_id=command_id,
        now=datetime.now(UTC),
    )
    group.end_command(envelope, name="forged", answer='{"outcome":"done","body":{}}')
    async with house.app.connection() as connection:
        appended = await append(connection, group)
    assert appended.outcome == "appended"
    return appended.head + 1


def tamper(urls: Urls, statement: LiteralString | sql.Composed, *parameters: object) -> None:
    """Run a statement as the owner, with all guards off. It must change something."""
    with psycopg.connect(urls.owner, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("ALTER TABLE log.events DISABLE TRIGGER append_only")
        connection.execute("ALTER TABLE log.receipts DISABLE TRIGGER append_only")
        assert connection.execute(statement, parameters).rowcount != 0, "nothing was changed"
        connection.execute("ALTER TABLE log.events ENABLE ALWAYS TRIGGER append_only")
        connection.execute("ALTER TABLE log.receipts ENABLE ALWAYS TRIGGER append_only")


def change(urls: Urls, position: int, *, old: str, new: str) -> None:
    """Change the stored JSON of an event, in which `old` occurs."""
    tamper(
        urls,
        "UPDATE log.events SET state = convert_to(replace(convert_from(state, 'UTF8'), %s, %s), 'UTF8')"
        " WHERE notification_id = %s AND position(%s IN convert_from(state, 'UTF8')) > 0",
        *(old, new, position, old),
    )


async def positions_of(house: House, topic: str) -> list[int]:
    """Return the log positions of the events of a kind."""
    query = "SELECT notification_id FROM log.events WHERE topic = %s ORDER BY notification_id"
    return [position for (position,) in await house.execute(query, topic)]


async def take_snapshots(house: House) -> None:
    """Write a snapshot of every stream that is not a house book, as the follower does."""

    snapshots = Snapshots(store=house.store, pool=house.app)
    for (stream,) in await house.execute("SELECT DISTINCT originator_id FROM log.events"):
        if not is_house(stream):
            await snapshots.write(stream)
