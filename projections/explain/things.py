"""The table of things whose figures can be explained: the model that keeps them, their streams and their columns.

A new kind of thing is a line here. A test over the document shows that every money field of every answer has one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from application import streams
from domain.instruments import parse, portfolio_asset
from domain.money import Amount, Asset
from domain.positions.state import Position, average_price
from projections import (
    connections,
    deposits,
    disputes,
    fills,
    journal,
    orders,
    payouts,
    positions,
    quotes,
    receipts,
    refunds,
    transfers,
    withdrawals,
)
from projections.explain import unlisted
from projections.models import PROJECTIONS, Projection, stored_names

Columns = Mapping[str, Any]
Names = Mapping[str, str]
"""What names a thing: its `id`, or what `Thing.named_by` says; a position may have a `strategy` besides."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that holds a figure in smallest units, and the asset that the other columns of its row say."""

    name: str
    asset: Callable[[Columns], Asset]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of a read model that belong to a thing: which they are, and how their figures are named and kept."""

    name: str
    belongs: Callable[[Columns, Names], bool] = lambda row, names: row.get("id") == names["id"]
    figures: Mapping[str, Column]
    named: Callable[[str, Columns], str] = lambda figure, row: figure  # noqa: ARG005 - most rows are one of a kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """A kind of thing. `found` is the condition on `read.events` that finds its events, by parameter `of`.

    `model` is the read model that shows it, up to whose cursor it is explained; `own` is how its events are folded
    where no model lists it.
    """

    model: str
    own: Projection | None = None
    tables: tuple[Table, ...]
    of: Callable[[str, Names], object]
    found: str = "stream = %(of)s"
    named_by: tuple[str, ...] = ("id",)
    follows: Callable[[Columns], Mapping[str, Amount]] = field(default=lambda row: {})  # noqa: ARG005 - few have any

    @property
    def folded(self) -> Projection:
        """How its events are folded."""
        return self.own or PROJECTIONS[self.model]


def _own(units: str = "units", scale: str = "scale", asset: str = "asset") -> Column:
    return Column(units, lambda row: Asset(row[asset], row[scale]))


def _base(units: str) -> Column:
    return Column(units, lambda row: parse(row["instrument"]).base)


def _quote(units: str) -> Column:
    return Column(units, lambda row: parse(row["instrument"]).quote)


def _in_portfolio(units: str = "units", asset: str = "asset") -> Column:
    return Column(units, lambda row: portfolio_asset(row[asset]))


def _by_id(model: str, table: str, of: Callable[[str, str], str], **figures: Column) -> Thing:
    """Return a thing with an id, a stream of its own and one row."""
    return Thing(
        model=model, tables=(Table(name=table, figures=figures),), of=lambda tenant, names: of(tenant, names["id"])
    )


def _of_position(row: Columns, names: Names) -> bool:
    strategy = names.get("strategy") or positions.NO_STRATEGY
    return (row["connection"], row["instrument"], row["strategy"]) == (
        names["connection"],
        names["instrument"],
        strategy,
    )


def _position_stream(tenant: str, names: Names) -> str:
    return streams.position(
        tenant, names["connection"], instrument=names["instrument"], strategy=names.get("strategy") or None
    )


def _average_price(row: Columns) -> Mapping[str, Amount]:
    if "quantity" not in row:
        return {}
    price = average_price(Position(quantity=row["quantity"], cost=row["cost"]), parse(row["instrument"]))
    return {} if price is None else {"average_price": price}


_ORDER = Thing(
    model=orders.NAME,
    tables=(
        Table(
            name="orders",
            figures={
                "quantity": _base("quantity"),
                "quote_amount": _quote("quote_amount"),
                "filled": _base("filled"),
                "cost": _quote("cost"),
            },
        ),
        Table(
            name="order_fees",
            belongs=lambda row, names: row["order_id"] == names["id"],
            figures={"fees": _in_portfolio()},
            named=lambda figure, row: f"{figure}.{row['asset']}",
        ),
    ),
    of=lambda tenant, names: streams.order(tenant, names["id"]),
)

_FILL = Thing(
    model=fills.NAME,
    tables=(
        Table(
            name="fills",
            belongs=lambda row, names: str(row["log_position"]) == names["log_position"],
            figures={
                "quantity": _base("quantity"),
                "price": _quote("price"),
                "cost": _quote("cost"),
                "fee": _in_portfolio("fee", "fee_asset"),
            },
        ),
    ),
    named_by=("log_position",),
    of=lambda _, names: int(names["log_position"]),
    found="log_position = %(of)s",
)

_POSITION = Thing(
    model=positions.NAME,
    tables=(
        Table(
            name="positions",
            belongs=_of_position,
            figures={"quantity": _base("quantity"), "cost": _quote("cost"), "realised": _quote("realised")},
        ),
        Table(
            name="position_charges",
            belongs=_of_position,
            figures={"charges": _in_portfolio()},
            named=lambda figure, row: f"{figure}.{row['charge']}.{row['asset']}",
        ),
    ),
    of=_position_stream,
    named_by=("connection", "instrument"),
    follows=_average_price,
)

_ENTRY = Thing(
    model=journal.NAME,
    tables=(
        Table(
            name="postings",
            belongs=lambda row, names: True,  # noqa: ARG005 - its event has no others
            figures={"postings": _own()},
            named=lambda figure, row: f"{figure}.{row['line']}",
        ),
    ),
    of=lambda _, names: names["id"],
    found="event_id = %(of)s::uuid AND type LIKE 'ledger.entry_posted.%%'",
)

_WRITE_OFF = Thing(
    model=journal.NAME,
    own=Projection("write_offs", stored_names(unlisted.WRITE_OFFS), unlisted.apply_write_off),
    tables=(
        Table(
            name="write_offs",
            figures={name: _own(name) for name in ("amount", "from_allowance", "collected")},
        ),
    ),
    of=lambda tenant, names: streams.write_off(tenant, names["id"]),
)

_ALLOWANCE = Thing(
    model=journal.NAME,
    own=Projection("allowances", stored_names(unlisted.ALLOWANCES), unlisted.apply_allowance),
    tables=(
        Table(
            name="allowances",
            belongs=lambda row, names: row["asset"] == names["asset"],
            figures={"level": _own("level")},
        ),
    ),
    named_by=("asset",),
    of=lambda tenant, names: streams.allowance(tenant, names["asset"]),
)

_NET = {"scale": "net_scale", "asset": "net_asset"}

THINGS: Mapping[str, Thing] = {
    "entry": _ENTRY,
    "order": _ORDER,
    "fill": _FILL,
    "position": _POSITION,
    "withdrawal": _by_id(
        withdrawals.NAME, "withdrawals", streams.withdrawal,
        amount=_own("amount"), fee=_own("fee"), withheld=_own("withheld"), net=_own("net"),
    ),
    "payout_file": _by_id(withdrawals.NAME, "payout_files", streams.payout_file, total=_own("total")),
    "deposit": _by_id(
        deposits.NAME, "deposits", streams.deposit,
        amount=_own(), returned=_own("returned"),
        settled=_own("settled_units", "settled_scale", "settled_asset"),
        fee=_own("fee_units", "settled_scale", "settled_asset"),
    ),
    "refund": _by_id(refunds.NAME, "refunds", streams.refund, amount=_own()),
    "dispute": _by_id(disputes.NAME, "disputes", streams.dispute, amount=_own()),
    "payout": _by_id(payouts.NAME, "payouts", streams.payout, amount=_own()),
    "receipt": _by_id(receipts.NAME, "receipts", streams.receipt, amount=_own()),
    "transfer": _by_id(transfers.NAME, "transfers", streams.transfer, amount=_own()),
    "quote": _by_id(
        quotes.NAME, "quotes", streams.quote,
        sold=_own("sold_units", "sold_scale", "sold_asset"),
        gross=_own("gross_units", **_NET), spread=_own("spread_units", **_NET), tax=_own("tax_units", **_NET),
        net=_own("net_units", **_NET), price=_own("price_units", "price_scale", "net_asset"),
    ),
    "write_off": _WRITE_OFF,
    "allowance": _ALLOWANCE,
    "connection": _by_id(
        connections.NAME, "connections", streams.connection, start=_own("start_units", "start_scale", "start_asset")
    ),
}  # fmt: skip
