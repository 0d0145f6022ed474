"""A paper connection, an order over HTTP, its fill in the worker, and what came of it in every list."""

from typing import Any

import pytest

from tests.interfaces.api.answers import body, items, problem
from tests.interfaces.api.callers import Caller
from tests.interfaces.api.installation import House, until

CANDLE = "2026-01-05T00:00:00Z"


def connection(trader: Caller, value: str = "100000", asset: str = "USD") -> str:
    opened = trader.post("connections", {"venue": "paper", "start": {"value": value, "asset": asset}})
    return str(body(opened, 201)["id"])


def order(connection: str, **changes: object) -> dict[str, Any]:
    return {
        "connection": connection, "instrument": "btc-usd", "side": "buy", "type": "market", "occurred_at": CANDLE,
        **changes,
    }  # fmt: skip


def settled(trader: Caller, id_: str) -> dict[str, Any]:
    """Return an order once its venue has answered."""
    shown: dict[str, Any] = {}

    def answered() -> bool:
        answer = trader.get(f"orders/{id_}")
        shown.update(answer.json() if answer.is_success else {})
        return shown.get("status") in {"FILLED", "REJECTED"}

    until(answered)
    return shown


def test_a_paper_connection_starts_with_money_from_outside(trader: Caller, finance: Caller) -> None:
    opened = trader.post("connections", {"venue": "paper", "start": {"value": "1000.5", "asset": "USD"}})
    said = body(opened, 201)
    assert said.keys() == {"id"}
    (shown,) = items(trader.get("connections", after=opened))
    assert shown.items() >= {
        "id": said["id"], "user": trader.user, "venue": "paper", "market": "spot",
        "start": {"value": "1000.50", "asset": "USD"},
    }.items()  # fmt: skip
    holdings = body(finance.get(f"ledger/accounts/portfolio:{said['id']}:holdings/balances", after=opened))
    assert holdings["balances"] == [{"asset": "USD", "amount": "1000.50"}]


def test_a_market_order_is_filled_by_the_worker_and_shown_in_every_list(trader: Caller, finance: Caller) -> None:
    venue = connection(trader)
    placed = trader.post("orders", order(venue, quantity="0.5"))
    said = body(placed, 201)
    assert said.keys() == {"id", "status"}
    assert said["status"] == "NEW"
    shown = settled(trader, said["id"])
    assert (shown["status"], shown["filled"]) == ("FILLED", {"value": "0.5", "asset": "BTC"})
    assert (shown["connection"], shown["side"]) == (venue, "buy")
    (fill,) = body(trader.get("fills", after=finance_head(finance), order=said["id"]))["items"]
    assert (fill["quantity"], fill["cost"], fill["occurred_at"]) == (shown["filled"], shown["cost"], CANDLE)
    (position,) = items(trader.get("positions", after=fill["log_position"], connection=venue))
    assert position["quantity"] == {"value": "0.5", "asset": "BTC"}
    assert position["cost"] == fill["cost"]
    conversion = f"ledger/accounts/portfolio:{venue}:conversion:btc-usd:none/balances"
    balances = {one["asset"]: one["amount"] for one in body(finance.get(conversion))["balances"]}
    assert balances == {"BTC": "-0.5", "USD": fill["cost"]["value"]}


def finance_head(finance: Caller) -> int:
    """Return how far the journal has read, which the answer to a fill is behind."""
    return int(finance.get("ledger/entries").headers["X-Log-Position"])


def test_an_order_beyond_the_holdings_is_rejected(trader: Caller) -> None:
    venue = connection(trader, "10")
    said = body(trader.post("orders", order(venue, quantity="1")), 201)
    shown = settled(trader, said["id"])
    assert (shown["status"], shown["filled"]["value"]) == ("REJECTED", "0")
    assert shown["reason"]
    assert items(trader.get("fills", order=said["id"])) == []


def test_an_order_is_sized_by_an_amount_of_the_quote(trader: Caller) -> None:
    venue = connection(trader)
    said = body(trader.post("orders", order(venue, quote_amount="1000")), 201)
    assert settled(trader, said["id"])["status"] == "FILLED"


def test_an_order_on_no_connection_or_on_somebody_elses_is_404(house: House, trader: Caller) -> None:
    stranger = house.installation.a_house().trader
    for id_ in ("0" * 32, connection(stranger)):
        problem(trader.post("orders", order(id_, quantity="1")), 404, "unknown_connection")
    mine = body(trader.post("orders", order(connection(trader), quantity="1")), 201)["id"]
    settled(trader, mine)
    problem(stranger.get(f"orders/{mine}"), 404, "unknown_order")


@pytest.mark.parametrize("instrument", ["btc-usd-perp"])
def test_a_spot_connection_trades_no_perpetual(trader: Caller, instrument: str) -> None:
    answer = trader.post("orders", order(connection(trader), quantity="1", instrument=instrument))
    problem(answer, 409, "instrument_not_traded")
