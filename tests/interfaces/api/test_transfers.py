"""Transfers and exchange over HTTP: both sides see them at once, and their idempotency holds."""

import pytest

from domain.users import Role
from tests.interfaces.api.answers import body, items, problem
from tests.interfaces.api.callers import Caller
from tests.interfaces.api.entries import entry
from tests.interfaces.api.installation import House


@pytest.fixture
def other(house: House) -> Caller:
    return house.person(Role.TRADER)


def money(value: str, asset: str = "USD") -> dict[str, str]:
    return {"value": value, "asset": asset}


def funded(house: House, person: Caller, value: str = "100.00") -> None:
    account = f"liabilities:users:{person.user}:real:available"
    posted = house.finance.post("ledger/entries", entry(("assets:bank:client:main", value), (account, f"-{value}")))
    assert posted.status_code == 201, posted.text


def real(person: Caller, house: House, asset: str = "USD") -> str | None:
    shown = body(person.get("balances", after=house.head()))["balances"]
    return next((one["value"] for one in shown if (one["bucket"], one["asset"]) == ("real", asset)), None)


def test_a_transfer_is_there_when_it_is_answered_and_once(house: House, trader: Caller, other: Caller) -> None:
    funded(house, trader)
    wanted = {"to_user": other.user, "amount": money("10"), "note": "lunch"}
    first, second = (trader.post("transfers", wanted, key="one") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert (real(trader, house), real(other, house)) == ("90.00", "10.00")
    for person in (trader, other):
        (shown,) = items(person.get("transfers", after=house.head()))
        assert (shown["sender"], shown["recipient"], shown["amount"]) == (trader.user, other.user, money("10.00"))
    assert items(house.person(Role.TRADER).get("transfers")) == []
    assert len(items(house.auditor.get("transfers"))) == 1


def test_a_transfer_that_cannot_be_is_refused(house: House, trader: Caller, other: Caller) -> None:
    funded(house, trader, "5.00")
    problem(trader.post("transfers", {"to_user": other.user, "amount": money("5.01")}), 409, "insufficient_funds")
    problem(trader.post("transfers", {"to_user": trader.user, "amount": money("1")}), 422, "transfer_to_self")
    problem(trader.post("transfers", {"to_user": "0" * 32, "amount": money("1")}), 404, "unknown_user")
    problem(trader.post("transfers", {"to_user": other.user, "amount": money("0")}), 422, "invalid_request")
    stranger = house.installation.a_house().trader
    problem(trader.post("transfers", {"to_user": stranger.user, "amount": money("1")}), 404, "unknown_user")


def test_an_exchange_goes_through_as_it_was_quoted(house: House, trader: Caller) -> None:
    funded(house, trader)
    wanted = {"sold": money("100"), "bought": "BRL"}
    problem(trader.post("quotes", wanted), 409, "no_rate")
    rate = {"base": "USD", "quote": "BRL", "price": "5.40", "source": "central bank"}
    assert house.finance.post("rates", rate).status_code == 201
    quote = body(trader.post("quotes", wanted), 201)
    assert (quote["gross"], quote["spread"], quote["tax"], quote["net"]) == tuple(
        money(value, "BRL") for value in ("540.00", "5.40", "2.03", "532.57")
    )
    problem(house.person(Role.TRADER).post(f"quotes/{quote['id']}/accept"), 404, "unknown_quote")
    assert trader.post(f"quotes/{quote['id']}/accept").status_code == 200
    assert (real(trader, house), real(trader, house, "BRL")) == ("0.00", "532.57")
    (shown,) = items(trader.get("quotes", after=house.head()))
    assert shown["accepted_at"] is not None
    sold = {"bank": "main", "sold": money("100"), "received": money("541", "BRL")}
    assert house.finance.post("exchange/covers", sold).status_code == 201
    problem(house.finance.post("exchange/covers", sold), 409, "not_so_much_open")
