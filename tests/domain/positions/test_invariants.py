"""Invariant 6 over random histories: the conversion account is the position, and a flat position has been paid out."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from domain.ids import ConnectionId, EntryId, OrderId
from domain.instruments import InstrumentId, parse, portfolio_asset
from domain.ledger.entry import Unbalanced
from domain.money import Amount
from domain.orders.terms import Side
from domain.positions import fold, position
from domain.positions.commands import (
    AdoptCoins,
    BookCharge,
    BookFill,
    CorrectFill,
    PositionCommand,
    ReassignCoins,
    RemoveDust,
)
from domain.positions.entries import entry
from domain.positions.errors import NotDust, PositionTooSmall
from domain.positions.events import FillCorrected, PositionEvent, PositionFilled
from domain.positions.fold import Effect
from domain.positions.state import FLAT, Position
from domain.positions.terms import Charge, Market, PositionKey

AT = datetime(2026, 11, 20, tzinfo=UTC)
BTC, USDT, BNB = portfolio_asset("BTC"), portfolio_asset("USDT"), portfolio_asset("BNB")
COINS = st.integers(1, 5 * 10**18)
# Round sizes beside odd ones, so that positions become exactly flat often enough.
QUANTITIES = (COINS | st.integers(1, 4).map(lambda n: n * 10**18)).map(BTC.amount)
PRICES = st.integers(1, 10**23).map(USDT.amount)
FEES = st.one_of(
    st.integers(-(10**19), 10**20).map(USDT.amount),
    st.integers(-(10**16), 10**17).map(BTC.amount),
    st.integers(-(10**16), 10**17).map(BNB.amount),
)


def key_of(market: Market) -> PositionKey:
    name = "btc-usdt-perp" if market is Market.PERPETUAL else "btc-usdt"
    return PositionKey(connection=ConnectionId("c" * 32), instrument=InstrumentId(name))


@st.composite
def fills(draw: st.DrawFn, market: Market) -> BookFill:
    quantity, price = draw(QUANTITIES), draw(PRICES)
    return BookFill(
        key=key_of(market),
        market=market,
        order=OrderId("0" * 32),
        trade_id="t1",
        side=draw(st.sampled_from(Side)),
        quantity=quantity,
        price=price,
        cost=parse("btc-usdt").value(price=price, quantity=quantity),
        fee=draw(FEES),
        occurred_at=AT,
    )


@st.composite
def moves(draw: st.DrawFn, market: Market) -> PositionCommand:
    key, quantity, price = key_of(market), draw(QUANTITIES), draw(PRICES)
    match draw(st.sampled_from(("charge", "reassign", "adopt", "dust", "correct"))):
        case "charge":
            charge, fee = draw(st.sampled_from((Charge.FEE, Charge.INTEREST))), draw(FEES)
            return BookCharge(
                key=key, market=market, charge=charge, amount=fee, price=price, source_id="s", occurred_at=AT
            )
        case "reassign":
            return ReassignCoins(key=key, market=market, quantity=quantity, price=price, occurred_at=AT)
        case "adopt":
            return AdoptCoins(key=key, market=market, quantity=quantity, price=price, occurred_at=AT)
        case "dust":
            return RemoveDust(key=key, market=market, lot_size=quantity, occurred_at=AT)
        case _:
            difference = draw(st.sampled_from((quantity, -quantity, BTC.amount(0))))
            cost = draw(st.integers(-(10**21), 10**21))
            return CorrectFill(
                key=key, market=market, trade_id="t1", quantity=difference, cost=USDT.amount(cost), occurred_at=AT
            )


def histories(market: Market) -> st.SearchStrategy[list[PositionCommand]]:
    return st.lists(fills(market) | fills(market) | moves(market), max_size=25)


@dataclass
class Books:
    """Balances by account (without the connection) and asset, summed from the entries as they are posted."""

    balances: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))

    def post(self, events: tuple[PositionEvent, ...]) -> None:
        made = entry(*events, id=EntryId("e" * 32), effective_at=AT) if events else None
        for posting in made.postings if made else ():
            self.balances[posting.account.split(":", 2)[2], posting.amount.asset.code] += posting.amount.units

    def of(self, account: str, asset: str) -> int:
        return self.balances[account, asset]


def run(commands: list[PositionCommand], books: Books, *, checks: Market) -> Position:
    state = FLAT
    for command in commands:
        try:
            events = position.decide(state, command)
        except (PositionTooSmall, NotDust):
            continue
        books.post(events)
        for event in events:
            state = position.evolve(state, event)
        if checks is not Market.PERPETUAL:
            assert books.of("conversion:btc-usdt:none", "BTC") == -state.quantity
            assert books.of("conversion:btc-usdt:none", "USDT") == state.cost
        assert checks is not Market.SPOT or state.quantity >= 0
        assert state.quantity != 0 or state.cost == 0
    return state


@given(histories(Market.SPOT))
def test_a_spot_position_is_its_conversion_account_and_never_below_zero(commands: list[PositionCommand]) -> None:
    run(commands, Books(), checks=Market.SPOT)


@given(histories(Market.MARGIN))
def test_a_margin_position_is_its_conversion_account(commands: list[PositionCommand]) -> None:
    run(commands, Books(), checks=Market.MARGIN)


def closing(state: Position, market: Market, price: Amount) -> list[PositionCommand]:
    if state.quantity == 0:
        return []
    quantity = BTC.amount(abs(state.quantity))
    return [
        BookFill(
            key=key_of(market),
            market=market,
            order=OrderId("0" * 32),
            trade_id="last",
            side=Side.SELL if state.quantity > 0 else Side.BUY,
            quantity=quantity,
            price=price,
            cost=parse("btc-usdt").value(price=price, quantity=quantity),
            fee=USDT.amount(7),
            occurred_at=AT,
        )
    ]


@given(st.sampled_from((Market.SPOT, Market.MARGIN)).flatmap(lambda m: st.tuples(st.just(m), histories(m))), PRICES)
def test_flat_means_that_quote_holdings_changed_by_pnl_less_fees_and_interest(
    history: tuple[Market, list[PositionCommand]], price: Amount
) -> None:
    market, commands = history
    state = run(commands, Books(), checks=market)
    books = Books()
    run([*commands, *closing(state, market, price)], books, checks=market)
    kept = -books.of("pnl", "USDT") - books.of("fees", "USDT") - books.of("interest", "USDT")
    # What was sold beyond a position, reassigned or adopted belongs to `unassigned`, not to the position.
    assert books.of("holdings", "USDT") == kept - books.of("unassigned", "USDT")
    assert books.of("holdings", "BTC") == -books.of("unassigned", "BTC") - books.of("fees", "BTC")
    assert books.of("conversion:btc-usdt:none", "USDT") == books.of("conversion:btc-usdt:none", "BTC") == 0


@given(st.lists(fills(Market.PERPETUAL), max_size=25))
def test_a_perpetual_posts_what_it_realised_and_nothing_to_a_conversion(commands: list[BookFill]) -> None:
    books, state, realised = Books(), FLAT, 0
    for command in commands:
        events = position.decide(state, command)
        books.post(events)
        for event in events:
            assert isinstance(event, PositionFilled)
            realised += sum(part.realised.units for part in event.parts)
            state = position.evolve(state, event)
    assert -books.of("pnl", "USDT") == realised
    assert {account for account, _ in books.balances} <= {"holdings", "pnl", "fees"}
    assert books.of("holdings", "USDT") == realised - books.of("fees", "USDT")


@given(histories(Market.SPOT))
def test_every_part_says_what_it_did_to_cost_and_result(commands: list[PositionCommand]) -> None:
    state = FLAT
    for command in commands:
        try:
            events = position.decide(state, command)
        except (PositionTooSmall, NotDust):
            continue
        for event in events:
            for part in event.parts:
                beyond = part.effect is Effect.BEYOND
                assert part.cost.units == (0 if beyond else part.value.units + part.realised.units)
                assert part.effect is Effect.CLOSES or not part.realised
                assert isinstance(event, FillCorrected) or part.quantity
            state = position.evolve(state, event)


HISTORIES = 150
WITHOUT_MERCY = settings(
    max_examples=HISTORIES, phases=[Phase.generate], derandomize=True, database=None, report_multiple_bugs=False
)


def test_at_least_half_of_the_random_commands_are_accepted() -> None:
    tally: Counter[bool] = Counter()

    @WITHOUT_MERCY
    @given(histories(Market.SPOT))
    def count(commands: list[PositionCommand]) -> None:
        state = FLAT
        for command in commands:
            try:
                events = position.decide(state, command)
            except (PositionTooSmall, NotDust):
                tally[False] += 1
                continue
            tally[True] += 1
            for event in events:
                state = position.evolve(state, event)

    count()
    assert tally[True] >= tally[False] > 0


def never_beyond(change: int, value: int, **_: bool) -> fold.Step:
    return fold.Step(Effect.OPENS, change, value, value, 0)


def cost_kept(quantity: int, cost: int, *, change: int, value: int, spot: bool) -> tuple[fold.Step, ...]:
    return tuple(step._replace(cost=0) for step in STEPS(quantity, cost, change=change, value=value, spot=spot))


def result_forgotten(quantity: int, cost: int, *, change: int, value: int, spot: bool) -> tuple[fold.Step, ...]:
    return tuple(step._replace(realised=0) for step in STEPS(quantity, cost, change=change, value=value, spot=spot))


def flat_as_if_open(*_: int, change: int, value: int, **__: bool) -> tuple[fold.Step, ...]:
    return (fold.Step(Effect.OPENS, change, value, value, 0),)


STEPS = fold.steps
RULES = {
    "on spot nothing opens below zero": ("domain.positions.fold._beginning", never_beyond),
    "what closes takes its cost along": ("domain.positions.position.steps", cost_kept),
    "what closes has a result": ("domain.positions.position.steps", result_forgotten),
    "a correction to nothing leaves no cost": ("domain.positions.position.corrected", flat_as_if_open),
}


@pytest.mark.parametrize(("name", "instead"), RULES.values(), ids=RULES.keys())
def test_without_a_rule_of_the_fold_an_invariant_breaks(
    name: str, instead: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(name, instead)

    @WITHOUT_MERCY
    @given(histories(Market.SPOT))
    def hold(commands: list[PositionCommand]) -> None:
        run(commands, Books(), checks=Market.SPOT)

    with pytest.raises((AssertionError, Unbalanced)):  # An entry that would not balance is found before it is posted.
        hold()
