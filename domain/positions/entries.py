"""The ledger's side of what happens to positions: every row of the portfolio flows, as a pure function of the events.

Coins and money trade places through the position's conversion account, which therefore always stands at (−quantity,
cost). A perpetual holds no coins: it posts what was settled. Nothing is decided here; the events hold every figure.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import assert_never

from domain.ids import AccountPath, EntryId
from domain.ledger.entry import JournalEntry, Posting
from domain.money import Amount, Asset
from domain.positions.events import (
    CoinsAdopted,
    CoinsReassigned,
    DustRemoved,
    FillCorrected,
    Part,
    PositionCharged,
    PositionEvent,
    PositionFilled,
)
from domain.positions.fold import Effect
from domain.positions.terms import Charge, FeeSource, Market, PositionKey

Line = tuple[str, Amount]

_CHARGE_ACCOUNTS = {
    Charge.FEE: "fees",
    Charge.INTEREST: "interest",
    Charge.FUNDING: "funding",
    Charge.INSURANCE: "insurance",
}


def entry(*events: PositionEvent, id: EntryId, effective_at: datetime) -> JournalEntry | None:
    """Return the one journal entry of one append's position events, the fill first; None where nothing moved.

    The reference is the position, so that what it realised can be summed from its entries; the metadata name the fact.
    """
    first = events[0]
    lines = postings(*events)
    if not lines:
        return None
    return JournalEntry(
        id=id,
        kind=kind(first),
        reference=first.key.reference,
        occurred_at=first.occurred_at,
        effective_at=effective_at,
        postings=lines,
        metadata=_metadata(first),
    )


def postings(*events: PositionEvent) -> tuple[Posting, ...]:
    """Return the postings of the events, one per account and asset, without zero lines; () where nothing moved."""
    sums: dict[tuple[str, Asset], int] = {}
    for event in events:
        for account, amount in _lines(event):
            line = account, amount.asset
            sums[line] = sums.get(line, 0) + amount.units
    return tuple(
        Posting(AccountPath(account), asset.amount(units)) for (account, asset), units in sums.items() if units
    )


def kind(event: PositionEvent) -> str:
    """Return the kind of an event's entry."""
    match event:
        case PositionFilled():
            return "liquidation" if event.liquidation else "fill"
        case PositionCharged():
            return event.charge.value
        case FillCorrected():
            return "fill_corrected"
        case CoinsReassigned():
            return "position_reassigned"
        case CoinsAdopted():
            return "position_adopted"
        case DustRemoved():
            return "dust"
        case _:
            assert_never(event)


def _lines(event: PositionEvent) -> Iterator[Line]:
    key = event.key
    match event:
        case PositionFilled():
            yield from _traded(event.parts, event.market, key)
            yield from _fee(event)
        case PositionCharged():
            charged = _account(key, _CHARGE_ACCOUNTS[event.charge])
            if event.parts:
                yield from _exchanged(event.parts, key, coins=_account(key, "holdings"), money=charged)
            else:
                yield from _paid(event.amount, _account(key, "holdings"), charged)
        case FillCorrected():
            yield from _traded(event.parts, event.market, key)
        case CoinsReassigned() | CoinsAdopted() | DustRemoved():
            unassigned = _account(key, "unassigned")
            yield from _exchanged(event.parts, key, coins=unassigned, money=unassigned)
        case _:
            assert_never(event)


def _traded(parts: tuple[Part, ...], market: Market, key: PositionKey) -> Iterator[Line]:
    holdings = _account(key, "holdings")
    if market is not Market.PERPETUAL:
        yield from _exchanged(parts, key, coins=holdings, money=holdings)
        return
    for part in parts:
        yield holdings, part.realised
        yield _account(key, "pnl"), -part.realised


def _exchanged(parts: tuple[Part, ...], key: PositionKey, *, coins: str, money: str) -> Iterator[Line]:
    """Let coins come from `coins` into the position, or go, and money the other way from or to `money`."""
    for part in parts:
        beyond = part.effect is Effect.BEYOND
        own = _account(key, "unassigned") if beyond else _conversion(key)
        yield coins, part.quantity
        yield own, -part.quantity
        yield money, -part.value
        yield own, part.value if beyond else part.cost
        yield _account(key, "pnl"), -part.realised


def _fee(filled: PositionFilled) -> Iterator[Line]:
    holdings, fees = _account(filled.key, "holdings"), _account(filled.key, _CHARGE_ACCOUNTS[Charge.FEE])
    match filled.fee_source:
        case FeeSource.HOLDINGS:
            yield from _paid(filled.fee, holdings, fees)
        case FeeSource.POSITION:
            yield from _exchanged(filled.fee_parts, filled.key, coins=holdings, money=fees)
        case FeeSource.OTHER_POSITION:
            pass  # That position's own event pays it.
        case _:
            assert_never(filled.fee_source)


def _paid(amount: Amount, payer: str, account: str) -> Iterator[Line]:
    yield payer, -amount
    yield account, amount


def _account(key: PositionKey, name: str) -> str:
    return f"portfolio:{key.connection}:{name}"


def _conversion(key: PositionKey) -> str:
    return _account(key, f"conversion:{key.instrument}:{key.strategy or 'none'}")


def _metadata(event: PositionEvent) -> dict[str, str]:
    match event:
        case PositionFilled():
            return {"order": event.order, "trade_id": event.trade_id}
        case FillCorrected():
            return {"trade_id": event.trade_id}
        case PositionCharged():
            return {"source_id": event.source_id}
        case CoinsReassigned() | CoinsAdopted() | DustRemoved():
            return {}
        case _:
            assert_never(event)
