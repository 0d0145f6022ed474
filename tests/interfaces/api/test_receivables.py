"""What finance does beside the flows of users, over HTTP: moves of client money, write-offs, allowances."""

import httpx
import pytest

from domain.users import Role
from tests.interfaces.api.answers import body, items, problem
from tests.interfaces.api.callers import Caller
from tests.interfaces.api.entries import entry
from tests.interfaces.api.installation import House


def money(value: str) -> dict[str, str]:
    return {"value": value, "asset": "USD"}


def posted(house: House, *lines: tuple[str, str]) -> None:
    answer = house.finance.post("ledger/entries", entry(*lines))
    assert answer.status_code == 201, answer.text


def balance(house: House, account: str) -> str:
    (found,) = body(house.finance.get(f"ledger/accounts/{account}/balances", after=house.head()))["balances"]
    return str(found["amount"])


@pytest.fixture
def owing(house: House) -> Caller:
    posted(house, (f"assets:receivable:users:{house.trader.user}", "40.00"), ("assets:psp:stripe", "-40.00"))
    return house.trader


def test_client_money_is_topped_up_and_swept_once_per_reference(house: House) -> None:
    move = {"client": "main", "own": "main", "amount": money("3.99"), "reference": "B 17"}
    assert house.finance.post("admin/client-money/top-ups", move).status_code == 201
    problem(house.finance.post("admin/client-money/top-ups", move), 409, "duplicate_reference")
    swept = {**move, "amount": money("12.00")}
    made = body(house.finance.post("admin/client-money/sweeps", swept), 201)
    one = body(house.finance.get(f"ledger/entries/{made['id']}", after=house.head()))
    assert (one["kind"], one["reference"]) == ("earnings_swept", "B 17")
    assert balance(house, "assets:bank:client:main") == "-8.01"
    problem(house.finance.post(f"ledger/entries/{made['id']}/reverse", {}), 409, "entry_owned_by_flow")


def test_a_debt_is_provided_for_written_off_and_collected_after_all(house: House, owing: Caller) -> None:
    provided = {"level": money("12.00"), "reason": "month end"}
    assert body(house.finance.post("admin/allowances", provided), 201)["level"] == money("12.00")
    debt = {"user_id": owing.user, "amount": money("40.00"), "reason": "gone"}
    made = body(house.finance.post("admin/write-offs", debt), 201)
    assert (made["status"], made["from_allowance"]) == ("written_off", money("12.00"))
    assert balance(house, "expenses:credit_losses") == "40.00"
    path = f"admin/write-offs/{made['id']}/recover"
    problem(house.finance.post(path), 409, "nothing_to_collect")
    wallet = f"liabilities:users:{owing.user}:real:available"
    posted(house, ("assets:psp:stripe", "100.00"), (wallet, "-100.00"))
    assert body(house.finance.post(path))["status"] == "recovered"
    problem(house.finance.post(path), 409, "already_recovered")
    assert (balance(house, wallet), balance(house, "assets:receivable:allowance")) == ("-60.00", "-12.00")
    problem(house.finance.post("admin/write-offs", debt), 409, "more_than_owed")
    problem(house.finance.post(f"admin/write-offs/{'0' * 32}/recover"), 404, "unknown_write_off")
    assert body(house.finance.post("admin/allowances", {**provided, "level": money("0")}), 201)["level"] == money(
        "0.00"
    )
    problem(house.finance.post("admin/allowances", {**provided, "level": money("-1")}), 422, "invalid_request")


def test_nobody_writes_off_what_they_owe_with_any_of_their_roles(house: House, owing: Caller) -> None:
    token = house.installation.office.token(house.tenant, str(owing.user), [Role.FINANCE])
    again = Caller(http=owing.http, user=owing.user, token=token)
    debt = {"user_id": owing.user, "amount": money("1.00"), "reason": "gone"}
    problem(again.post("admin/write-offs", debt), 403, "self_approval")


@pytest.mark.parametrize("act", ["sweep", "write-off", "allowance"])
def test_what_is_large_waits_for_a_second_person(house: House, warm: httpx.Client, act: str) -> None:
    large = {"value": "500.01", "asset": "BRL"}
    first, second = house.finance.at(warm), house.person(Role.FINANCE).at(warm)
    debt = ((f"assets:receivable:users:{house.trader.user}", "500.00"), ("assets:psp:stripe", "-500.00"))
    for _ in range(2):
        assert house.finance.post("ledger/entries", entry(*debt, asset="BRL")).status_code == 201
    path, wanted = {
        "sweep": ("admin/client-money/sweeps", {"client": "main", "own": "main", "amount": large, "reference": "B"}),
        "write-off": ("admin/write-offs", {"user_id": house.trader.user, "amount": large, "reason": "gone"}),
        "allowance": ("admin/allowances", {"level": large, "reason": "month end"}),
    }[act]
    proposal = body(first.post(path, wanted), 202)["proposal"]
    problem(first.post(f"proposals/{proposal['id']}/approve"), 403, "self_approval")
    (shown,) = items(second.get("proposals", after=house.head()))
    assert shown["act"] == {"sweep": "move_client_money", "write-off": "write_off", "allowance": "set_allowance"}[act]
    decided = body(second.post(f"proposals/{proposal['id']}/approve"))
    assert decided["status"] == "approved"
    assert decided["result"]["id"] == shown["subject"]
