"""Runs the flows of portfolio_flows.txt: position and happening in, exact postings and position out."""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.ids import AccountPath, ConnectionId, EntryId, OrderId
from domain.instruments import InstrumentId, parse, portfolio_asset
from domain.ledger.entry import Posting
from domain.money import Amount
from domain.orders.terms import Side
from domain.positions.commands import (
    AdoptCoins,
    BookCharge,
    BookFill,
    CorrectFill,
    PositionCommand,
    ReassignCoins,
    RemoveDust,
)
from domain.positions.entries import entry, postings
from domain.positions.position import decide, evolve
from domain.positions.state import Position
from domain.positions.terms import Charge, Market, PositionKey

AT = datetime(2026, 11, 20, tzinfo=UTC)
CONNECTION = ConnectionId("c" * 32)
TRADE = re.compile(r"(buy|sell|liquidate) (\S+) at (\S+)(?: for (\S+))?(?: fee (\S+) (\S+))?")
CHARGE = re.compile(r"(fee|interest|funding|insurance) (\S+) (\S+)(?: at (\S+))?")


@dataclass(frozen=True, kw_only=True)
class Flow:
    name: str
    given: str
    when: str
    lines: tuple[tuple[str, str], ...]
    then: str


def read_flows() -> list[Flow]:
    flows = []
    text = (Path(__file__).parent / "portfolio_flows.txt").read_text()
    for block in text.split("\n== ")[1:]:
        name, *rest = block.partition("\n\n")[0].splitlines()
        words = [tuple(line.split(maxsplit=1)) for line in rest]
        lines = tuple((asset, amounts) for asset, amounts in words[2:-1])
        flows.append(Flow(name=name, given=words[0][1], when=words[1][1], lines=lines, then=words[-1][1]))
    return flows


FLOWS = read_flows()


def amount(text: str, code: str) -> Amount:
    return Amount.parse(text.removeprefix("+"), portfolio_asset(code))


def position_of(text: str, instrument: str) -> Position:
    quantity, _, cost = text.split()
    found = parse(instrument)
    return Position(quantity=amount(quantity, found.base.code).units, cost=amount(cost, found.quote.code).units)


def command_of(text: str, key: PositionKey, market: Market) -> PositionCommand:
    if trade := TRADE.fullmatch(text):
        return fill_of(trade, key, market)
    if charge := CHARGE.fullmatch(text):
        return charge_of(charge, key, market)
    return move_of(text.split(), key, market)


def fill_of(trade: re.Match[str], key: PositionKey, market: Market) -> BookFill:
    verb, quantity, price, cost, fee, fee_asset = trade.groups()
    instrument = parse(key.instrument)
    size, at = amount(quantity, instrument.base.code), amount(price, instrument.quote.code)
    return BookFill(
        key=key,
        market=market,
        order=OrderId("0" * 32),
        trade_id="t1",
        side=Side.BUY if verb == "buy" else Side.SELL,
        quantity=size,
        price=at,
        cost=amount(cost, instrument.quote.code) if cost else instrument.value(price=at, quantity=size),
        fee=amount(fee or "0", fee_asset or instrument.quote.code),
        liquidation=verb == "liquidate",
        occurred_at=AT,
    )


def charge_of(charge: re.Match[str], key: PositionKey, market: Market) -> BookCharge:
    return BookCharge(
        key=key,
        market=market,
        charge=Charge(charge[1]),
        amount=amount(charge[2], charge[3]),
        price=amount(charge[4], parse(key.instrument).quote.code) if charge[4] else None,
        source_id="s1",
        occurred_at=AT,
    )


def move_of(words: list[str], key: PositionKey, market: Market) -> PositionCommand:
    verb, first, second = words[0], words[-3], words[-1]
    instrument = parse(key.instrument)
    size, money = amount(first, instrument.base.code) if verb != "dust" else None, amount(second, instrument.quote.code)
    match verb, size:
        case "reassign", Amount():
            return ReassignCoins(key=key, market=market, quantity=size, price=money, occurred_at=AT)
        case "adopt", Amount():
            return AdoptCoins(key=key, market=market, quantity=size, price=money, occurred_at=AT)
        case "correct", Amount():
            return CorrectFill(key=key, market=market, trade_id="t1", quantity=size, cost=money, occurred_at=AT)
        case "dust", None:
            lot_size = amount(second, instrument.base.code)
            return RemoveDust(key=key, market=market, lot_size=lot_size, occurred_at=AT)
        case _:
            raise AssertionError(f"no such happening: {words}")


def posting_of(text: str, asset: str, instrument: str) -> Posting:
    name, value = text.split()
    account = f"conversion:{instrument}:none" if name == "conversion" else name
    return Posting(AccountPath(f"portfolio:{CONNECTION}:{account}"), amount(value, asset))


@pytest.mark.parametrize("flow", FLOWS, ids=[flow.name for flow in FLOWS])
def test_a_flow_posts_exactly_its_lines(flow: Flow) -> None:
    market, instrument, before = flow.given.split(maxsplit=2)
    key = PositionKey(connection=CONNECTION, instrument=InstrumentId(instrument))
    position = position_of(before, instrument)
    events = decide(position, command_of(flow.when, key, Market(market)))
    expected = [posting_of(text, asset, instrument) for asset, texts in flow.lines for text in texts.split(" | ")]
    assert Counter(postings(*events)) == Counter(expected)
    for event in events:
        position = evolve(position, event)
    assert position == position_of(flow.then, instrument)


@pytest.mark.parametrize("flow", FLOWS, ids=[flow.name for flow in FLOWS])
def test_a_flow_makes_one_balanced_entry_or_none(flow: Flow) -> None:
    market, instrument, before = flow.given.split(maxsplit=2)
    key = PositionKey(connection=CONNECTION, instrument=InstrumentId(instrument))
    events = decide(position_of(before, instrument), command_of(flow.when, key, Market(market)))
    made = entry(*events, id=EntryId("e" * 32), effective_at=AT)
    assert (made is None) == (not flow.lines)
    assert made is None or made.reference == f"{CONNECTION}:{instrument}:none"
