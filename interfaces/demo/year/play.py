"""One simulated year, day by day: the same seed makes the same books, whatever the machine."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from application.committer import Committer
from application.ledger import reverse_entry
from application.store import Store
from domain.ids import EntryId
from interfaces.demo.year.house import BRL, House
from interfaces.demo.year.money import Money
from interfaces.demo.year.trading import Trading
from interfaces.exchanges.candles import Candles

FIRST = datetime(2025, 11, 1, tzinfo=UTC)
DAYS = 365
_WEEK, _MONTH = 7, 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How large a year is. `per_day` scales everything that people do."""

    users: int = 500
    days: int = DAYS
    per_day: int = 6
    traders: int = 40
    seed: int = 7


async def play(
    committer: Committer,
    store: Store,
    *,
    tenant: str,
    plan: Plan,
    candles: Candles,
    told: Callable[[int, int], None] = lambda _, __: None,
) -> House:
    """Play a year and return its house, with what was done and what was refused."""
    house = House(committer=committer, tenant=tenant, seed=plan.seed, now=FIRST)
    await house.open(plan.users)
    money, trading = Money(house), Trading(house, candles)
    await _found(house)
    await trading.open(plan.traders)
    for day in range(plan.days):
        house.now = FIRST + timedelta(days=day, hours=6)
        await _one_day(house, money, trading, day=day, plan=plan)
        if day % _MONTH == _MONTH - 1:
            await _month_end(house, store)
        told(day + 1, plan.days)
    return house


async def _one_day(house: House, money: Money, trading: Trading, *, day: int, plan: Plan) -> None:
    await money.record_rates(day)
    await money.handle_withdrawals()
    for _ in range(plan.per_day):
        house.later(minutes=7)
        await money.deposit()
        await money.deposit()
        await money.transfer()
        await money.withdraw()
    for _ in range(max(1, plan.per_day // 3)):
        house.later(minutes=11)
        await money.exchange()
        await trading.trade(_candle_time(trading.candles, day, plan.days))
    if day % 2:
        await money.dispute()
    else:
        await money.refund()
    if day % 3 == 0:
        await money.decide_dispute()
    if day % _WEEK == _WEEK - 1:
        await money.pay_out()
        await money.receive()
        await money.cover()


async def _found(house: House) -> None:
    """Put the owner's capital and what there was before into the books."""
    await house.post("capital", ("assets:bank:own:main", 5_000_000_00), ("equity:owner", -5_000_000_00))
    await house.post("capital", ("assets:bank:own:main", 900_000_00), ("equity:owner", -900_000_00), asset=BRL)
    await house.post("opening", ("assets:bank:client:main", 500_00), ("equity:opening", -500_00))


async def _month_end(house: House, store: Store) -> None:
    """Do what an accountant does at the end of a month, some of it late."""
    late = house.now - timedelta(days=house.chance.randint(8, 40))
    fees = house.cents(200_00, 900_00)
    await house.post("top_up", ("assets:bank:client:main", fees), ("assets:bank:own:main", -fees))
    await house.post("bank_fee", ("expenses:bank_fees", 23_45), ("assets:bank:own:main", -23_45), effective_at=late)
    await house.post("revenue_tax", ("revenue:taxes", 101_07), ("liabilities:taxes:iss", -101_07))
    await house.post("tax", ("liabilities:taxes:iss", 50_03), ("assets:bank:own:main", -50_03))
    await house.post("allowance", ("expenses:credit_losses", 12_34), ("assets:receivable:allowance", -12_34))
    mistake = await house.post("adjustment", ("expenses:bank_fees", 5_00), ("assets:bank:own:main", -5_00))
    if mistake is not None:
        reversal = EntryId(house.next_id("reversal"))
        command = await reverse_entry(
            house.envelope(), store, original=mistake, reversal=reversal, effective_at=house.now, note="twice"
        )
        await house.do(command)


def _candle_time(candles: Candles, day: int, days: int) -> datetime:
    """Return the time of the candle that a day meets: the year is spread over all candles there are."""
    return candles.rows[min(day * len(candles.rows) // days, len(candles.rows) - 1)].at
