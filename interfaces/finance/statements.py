"""Statements: questions to the general ledger at a moment, answered as tables of text that everybody shows alike.

A statement names the log position it stands for, when that was built and whether every check held there. Amounts are
exact. In the reporting currency they are rounded once, as they are shown, and what that leaves is a line of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from psycopg.rows import dict_row

from application.store import Connection
from domain.currencies import DECIMALS
from interfaces.finance import queries
from interfaces.finance.errors import NothingBuilt
from interfaces.finance.kinds import Kind
from interfaces.finance.last import Built, last_build

_EXACT = Context(prec=200)
_INSTANT = timedelta(microseconds=1)
_LAST_MONTH = 12
_LAST_INSTANT = datetime(9999, 12, 30, tzinfo=UTC)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked: a statement of a period that ends at `as_of`, as it was known at `known_at`; None is now.

    `since` is when the period begins: of its month, where nothing is said. `account` is the ledger's.
    """

    kind: Kind
    since: datetime | None = None
    as_of: datetime | None = None
    known_at: datetime | None = None
    reported: bool = False
    account: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement as a table of text. `figures` are the columns that hold amounts."""

    kind: Kind
    since: datetime | None
    as_of: datetime
    known_at: datetime | None
    log_position: int
    built_at: datetime
    checked: bool
    columns: tuple[str, ...]
    figures: frozenset[str]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """Return it in JSON values."""
        return {
            "statement": self.kind.value,
            "since": None if self.since is None else self.since.isoformat(),
            "as_of": self.as_of.isoformat(),
            "known_at": None if self.known_at is None else self.known_at.isoformat(),
            "log_position": self.log_position,
            "built_at": self.built_at.isoformat(),
            "checked": self.checked,
            "columns": list(self.columns),
            "rows": [dict(zip(self.columns, row, strict=True)) for row in self.rows],
            "notes": list(self.notes),
        }


def month_of(text: str) -> tuple[datetime, datetime]:
    """Return the first and the last instant of a month such as 2026-03. Raises `ValueError`."""
    first = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
    year, month = (first.year + 1, 1) if first.month == _LAST_MONTH else (first.year, first.month + 1)
    return first, first.replace(year=year, month=month) - _INSTANT


async def state(connection: Connection, asked: Asked) -> Statement:
    """Return a statement of the connection's tenant. Raises `NothingBuilt`."""
    built, known = await _known(connection, asked)
    as_of = asked.as_of or await _last_moment(connection, known)
    since = asked.since or as_of.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    moment = {"known": known, "until": _after(as_of), "since": since, "account": asked.account}
    columns, figures, rows, notes = await _FORMS[asked.kind](connection, asked, moment)
    return Statement(
        kind=asked.kind,
        since=since if asked.kind in _OF_PERIODS else None,
        as_of=as_of,
        known_at=asked.known_at,
        log_position=known,
        built_at=built.finished_at,
        checked=built.is_sound,
        columns=columns,
        figures=frozenset(figures),
        rows=tuple(rows),
        notes=tuple(notes),
    )


def _after(moment: datetime) -> datetime:
    """Return the first instant that is not within a moment, which is inclusive."""
    return moment if moment > _LAST_INSTANT else moment + _INSTANT


async def _known(connection: Connection, asked: Asked) -> tuple[Built, int]:
    """Return the last complete build, and the log position that a question knows of it."""
    built = await last_build(connection)
    if built is None:
        raise NothingBuilt("nothing is built yet: lastro finance build")
    if asked.known_at is None:
        return built, built.log_position
    parameters = {"known_at": asked.known_at, "known": built.log_position}
    then = await _fetch(connection, queries.KNOWN_THEN, parameters)
    return built, int(then[0]["coalesce"])


async def _last_moment(connection: Connection, known: int) -> datetime:
    rows = await _fetch(connection, queries.LAST_DAY, {"known": known})
    last = rows[0]["max"]
    return datetime.now(UTC) if last is None else last.astimezone(UTC)


_Form = tuple[tuple[str, ...], tuple[str, ...], list[tuple[str, ...]], list[str]]


async def _trial_balance(connection: Connection, asked: Asked, moment: Row) -> _Form:  # noqa: ARG001 - as all forms
    rows = await _fetch(connection, queries.TRIAL_BALANCE, moment)
    shown: list[tuple[str, ...]] = []
    totals: dict[tuple[str, str], list[Decimal]] = {}
    for row in rows:
        balance, asset = row["balance"], row["asset"]
        debit, credit = max(balance, Decimal()), max(-balance, Decimal())
        total = totals.setdefault((row["realm"], asset), [Decimal(), Decimal()])
        total[0], total[1] = _EXACT.add(total[0], debit), _EXACT.add(total[1], credit)
        shown.append((row["realm"], row["account"], asset, _side(debit, asset), _side(credit, asset)))
    shown += [(realm, "Total", asset, *(plain(one, asset) for one in sums)) for (realm, asset), sums in totals.items()]
    return ("realm", "account", "asset", "debit", "credit"), ("debit", "credit"), shown, []


async def _balance_sheet(connection: Connection, asked: Asked, moment: Row) -> _Form:
    query = queries.REPORTED_BALANCE_SHEET if asked.reported else queries.BALANCE_SHEET
    rows = await _fetch(connection, query, moment)
    lines = await _rounded(connection, rows) if asked.reported else rows
    shown: list[tuple[str, ...]] = []
    for section in ("assets", "liabilities", "equity"):
        shown += _section(section, [row for row in lines if row["section"] == section], f"Total {section}")
    right = [row for row in lines if row["section"] in {"liabilities", "equity"}]
    shown += _totals("", right, "Total liabilities and equity")
    return ("section", "line", "asset", "amount"), ("amount",), shown, await _notes(connection, asked, moment)


async def _income(connection: Connection, asked: Asked, moment: Row) -> _Form:
    query = queries.REPORTED_INCOME if asked.reported else queries.INCOME
    rows = await _fetch(connection, query, moment)
    lines = await _rounded(connection, rows, signed=True) if asked.reported else rows
    shown: list[tuple[str, ...]] = []
    gross = [row for row in lines if row["section"] == "gross_revenue"]
    less = [row for row in lines if row["section"] in {"discounts", "refunds", "revenue_taxes"}]
    other = [row for row in lines if row["section"] not in {"gross_revenue", "discounts", "refunds", "revenue_taxes"}]
    shown += _section("gross_revenue", gross, "Gross revenue")
    shown += [(row["section"], row["label"], row["asset"], plain(row["amount"], row["asset"])) for row in less]
    shown += _totals("", [*gross, *less], "Net revenue")
    shown += [(row["section"], row["label"], row["asset"], plain(row["amount"], row["asset"])) for row in other]
    shown += _totals("", lines, "Result")
    return ("section", "line", "asset", "amount"), ("amount",), shown, await _notes(connection, asked, moment)


async def _cash_flow(connection: Connection, asked: Asked, moment: Row) -> _Form:  # noqa: ARG001 - as all forms
    rows = await _fetch(connection, queries.CASH_FLOW, moment)
    places = dict.fromkeys((row["money_of"], row["cash"], row["asset"]) for row in rows)
    shown: list[tuple[str, ...]] = []
    for place in places:
        asset = place[2]
        of_place = [row for row in rows if (row["money_of"], row["cash"], row["asset"]) == place]
        opening = sum((row["net"] for row in of_place if row["kind"] == ""), Decimal())
        closing = opening
        shown.append((*place, "Opening", "", "", plain(opening, asset)))
        for row in of_place:
            if row["kind"] != "":
                closing = _EXACT.add(closing, row["net"])
                moved = (_side(row["inflow"], asset), _side(row["outflow"], asset), plain(row["net"], asset))
                shown.append((*place, row["kind"], *moved))
        shown.append((*place, "Closing", "", "", plain(closing, asset)))
    columns = ("money_of", "cash", "asset", "kind", "inflow", "outflow", "net")
    return columns, ("inflow", "outflow", "net"), shown, []


async def _ledger(connection: Connection, asked: Asked, moment: Row) -> _Form:
    rows = await _fetch(connection, queries.LEDGER, moment)
    shown: list[tuple[str, ...]] = []
    opening: dict[str, Decimal] = {}
    for row in rows:
        asset = row["asset"]
        if row["effective_at"] < moment["since"]:
            opening[asset] = row["balance"]
            continue
        if asset in opening or not any(one[4] == asset for one in shown):
            shown.append(("", "", "Opening", "", asset, "", plain(opening.pop(asset, Decimal()), asset)))
        at = row["effective_at"].astimezone(UTC).isoformat()
        named = (at, str(row["log_position"]), row["kind"], row["reference"], asset)
        shown.append((*named, plain(row["amount"], asset), plain(row["balance"], asset)))
    shown += [("", "", "Opening", "", asset, "", plain(balance, asset)) for asset, balance in opening.items()]
    columns = ("effective_at", "log_position", "kind", "reference", "asset", "amount", "balance")
    return columns, ("amount", "balance"), shown, [f"{asked.account}, debit positive"]


_FORMS = {
    Kind.TRIAL_BALANCE: _trial_balance,
    Kind.BALANCE_SHEET: _balance_sheet,
    Kind.INCOME: _income,
    Kind.CASH_FLOW: _cash_flow,
    Kind.LEDGER: _ledger,
}
_OF_PERIODS = frozenset({Kind.INCOME, Kind.CASH_FLOW, Kind.LEDGER})


def _section(section: str, rows: Sequence[Row], total: str) -> list[tuple[str, ...]]:
    shown = [(section, row["label"], row["asset"], plain(row["amount"], row["asset"])) for row in rows]
    return [*shown, *_totals(section, rows, total)]


def _totals(section: str, rows: Sequence[Row], label: str) -> list[tuple[str, ...]]:
    sums: dict[str, Decimal] = {}
    for row in rows:
        sums[row["asset"]] = _EXACT.add(sums.get(row["asset"], Decimal()), row["amount"])
    return [(section, label, asset, plain(amount, asset)) for asset, amount in sorted(sums.items())]


async def _rounded(connection: Connection, rows: Sequence[Row], *, signed: bool = False) -> list[Row]:
    """Round every line to the reporting currency's decimals; what that leaves stands on a line of its own.

    Of a balance sheet that is what keeps both sides equal; of income, what keeps the result the rounded exact one.
    """
    decimals = (await _fetch(connection, queries.CURRENCY, {}))[0]["decimals"]
    unit = Decimal(1).scaleb(-decimals)
    lines: list[Row] = [{**row, "amount": _to(unit, row["amount"])} for row in rows]
    sign = {"assets": -1}
    shown = sum((sign.get(line["section"], 1) * line["amount"] for line in lines), Decimal())
    exact = sum((sign.get(row["section"], 1) * row["amount"] for row in rows), Decimal())
    left = _to(unit, exact) - shown
    if lines and left:
        section = "rounding" if signed else "equity"
        lines.append({"section": section, "label": "Rounding", "asset": lines[0]["asset"], "amount": left})
    return lines


def _to(unit: Decimal, amount: Decimal) -> Decimal:
    return amount.quantize(unit, rounding=ROUND_HALF_EVEN, context=_EXACT)


async def _notes(connection: Connection, asked: Asked, moment: Row) -> list[str]:
    if not asked.reported:
        return []
    unrated = [row["asset"] for row in await _fetch(connection, queries.UNRATED, moment)]
    return [f"left out, because no rate is recorded: {', '.join(unrated)}"] if unrated else []


def plain(amount: Decimal, asset: str) -> str:
    """Return an amount without needless zeros, a currency with its decimals at least."""
    whole, _, decimals = f"{amount:f}".partition(".")
    kept = decimals.rstrip("0").ljust(DECIMALS.get(asset, 0), "0")
    text = f"{whole}.{kept}" if kept else whole
    return text.removeprefix("-") if not amount else text


def _side(amount: Decimal, asset: str) -> str:
    return plain(amount, asset) if amount else ""


async def _fetch(connection: Connection, query: str, parameters: Row) -> list[dict[str, Any]]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        return await (await cursor.execute(query.encode(), parameters)).fetchall()
