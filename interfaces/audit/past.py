"""`audit replay`: balances, orders and positions as they were at a log position or time, folded from the log anew.

It asks no read model: the log up to there is decoded and folded with the models' own rules, into nothing but memory. So
it says what they showed then, also where they have been lost, and `audit verify` says whether what they show now fits.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any

from application.codec import CODEC
from application.log import Recorded
from application.store import EVENT_COLUMNS
from domain.instruments import parse, portfolio_asset
from domain.money import Amount, asset_of
from interfaces.audit.facts import recorded_of
from interfaces.audit.snapshot import Connection, one, portions
from projections import accounts, orders, positions
from projections.changes import Changes, Row
from projections.models import PROJECTIONS

MODELS = (accounts.NAME, orders.NAME, positions.NAME)

Line = Mapping[str, Any]
Told = Callable[[int, int], None]
"""Is told up to which log position was read, and up to which it will be."""

_HEAD = "SELECT coalesce(max(notification_id), 0) FROM log.events"
_AT = "SELECT coalesce(max(notification_id), 0) FROM log.events WHERE recorded_at <= %s AND append_index = append_size"
_END = """
    SELECT coalesce(max(notification_id), 0) FROM log.events WHERE notification_id <= %s AND append_index = append_size
"""
_WHEN = "SELECT max(recorded_at) FROM log.events WHERE notification_id = %s"
_EVENTS = f"""
    SELECT {EVENT_COLUMNS} FROM log.events
    WHERE notification_id <= %s AND topic = ANY(%s) AND (%s::text IS NULL OR tenant = %s) ORDER BY notification_id
"""  # noqa: S608 - a constant of the store


class NoSuchMoment(Exception):
    """The log does not reach that far, or the text is neither a log position nor a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What was, up to a log position that ends an append. Balances are debit positive; orders come oldest first."""

    log_position: int
    recorded_at: datetime | None
    balances: tuple[Line, ...]
    orders: tuple[Line, ...]
    positions: tuple[Line, ...]


def end_of(connection: Connection, until: str) -> int:
    """Return the end of the last append at or before a log position, or recorded at or before a time.

    Raises `NoSuchMoment`: a position behind the head of the log is none, while any time is one.
    """
    if until.isdecimal():
        head, wanted = one(connection, _HEAD)[0], int(until)
        if wanted > head:
            raise NoSuchMoment(f"the log ends at {head}")
        return int(one(connection, _END, wanted)[0])
    try:
        moment = datetime.fromisoformat(until)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise NoSuchMoment(f"{until} is neither a log position nor a time with its offset (2026-01-31T12:00:00Z)")
    return int(one(connection, _AT, moment)[0])


def replay(connection: Connection, end: int, *, tenant: str | None = None, told: Told | None = None) -> Past:
    """Fold the log up to the end of an append; of all tenants, or of one."""
    folded = {name: Changes() for name in MODELS}
    names = sorted(frozenset().union(*(PROJECTIONS[name].handles for name in MODELS)))
    for portion in portions(connection, _EVENTS, end, names, tenant, tenant, moments_as_numbers=True):
        for row in portion:
            _fold(folded, recorded_of(row))
        if told is not None:
            told(portion[-1][0], end)
    if told is not None:
        told(end, end)
    of_orders, of_positions = folded[orders.NAME], folded[positions.NAME]
    return Past(
        log_position=end,
        recorded_at=one(connection, _WHEN, end)[0],
        balances=_by_key(_lines(folded[accounts.NAME], "balances", _balance)),
        orders=tuple(_lines(of_orders, "orders", partial(_order, fees=_fees(of_orders)))),
        positions=_by_key(_lines(of_positions, "positions", _position)),
    )


def _fold(folded: Mapping[str, Changes], recorded: Recorded) -> None:
    event = CODEC.decode(recorded.name, recorded.state)
    for name, changes in folded.items():
        projection = PROJECTIONS[name]
        if recorded.name in projection.handles:
            changes.take(projection.apply(recorded, event))


def _rows(changes: Changes, table: str) -> Iterable[Row]:
    made = changes.tables.get(table)
    return chain(made.appended, made.rows()) if made else ()


def _lines(changes: Changes, table: str, show: Callable[[dict[str, Any]], Line]) -> Iterator[Line]:
    """Yield the rows of a table as they are shown, in the order in which they began."""
    for row in _rows(changes, table):
        yield {"tenant": row["tenant"], **show(dict(row))}


def _by_key(lines: Iterable[Line]) -> tuple[Line, ...]:
    return tuple(sorted(lines, key=lambda line: [str(value) for value in line.values()]))


def _balance(row: dict[str, Any]) -> Line:
    amount = asset_of(row["asset"], row["scale"]).amount(row["units"])
    return {"account": row["account"], "asset": row["asset"], "amount": amount.format_plain()}


def _fees(changes: Changes) -> Mapping[str, list[dict[str, str]]]:
    fees: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
    for row in map(dict[str, Any], _rows(changes, "order_fees")):
        fees[row["order_id"]].append(_money(portfolio_asset(row["asset"]).amount(row["units"])))
    return fees


def _order(row: dict[str, Any], fees: Mapping[str, list[dict[str, str]]]) -> Line:
    traded = parse(row["instrument"])
    return {
        "id": row["id"],
        "user": row["user_id"],
        "connection": row["connection"],
        "instrument": row["instrument"],
        "side": row["side"],
        "status": row["status"],
        "filled": _money(traded.base.amount(row["filled"])),
        "cost": _money(traded.quote.amount(row["cost"])),
        "fees": fees.get(row["id"], []),
    }


def _position(row: dict[str, Any]) -> Line:
    traded = parse(row["instrument"])
    return {
        "connection": row["connection"],
        "instrument": row["instrument"],
        "strategy": None if row["strategy"] == positions.NO_STRATEGY else row["strategy"],
        "quantity": _money(traded.base.amount(row["quantity"])),
        "cost": _money(traded.quote.amount(row["cost"])),
        "realised": _money(traded.quote.amount(row["realised"])),
    }


def _money(amount: Amount) -> dict[str, str]:
    return {"value": amount.format_plain(), "asset": amount.asset.code}
