"""Balances and statements as of one time and as known at another: with entries dated back, all four answers differ."""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from tests.interfaces.api.answers import body, items
from tests.interfaces.api.callers import Caller
from tests.interfaces.api.entries import top_up, wallet
from tests.interfaces.api.installation import House

ENTRIES = "ledger/entries"
EARLY, BETWEEN, LATE = "2026-01-05T00:00:00Z", "2026-01-07T00:00:00Z", "2026-01-10T00:00:00Z"


@dataclass(frozen=True, slots=True)
class History:
    """10.00 of the fifth and 1.00 of the tenth in time, then 0.10 that is dated back to the fifth."""

    house: House
    last: int
    known_before_the_last: str

    @property
    def moments(self) -> list[tuple[dict[str, str], str]]:
        known = {"known_at": self.known_before_the_last}
        return [
            ({}, "11.10"),
            ({"as_of": BETWEEN}, "10.10"),
            (known, "11.00"),
            ({"as_of": BETWEEN, **known}, "10.00"),
        ]


@pytest.fixture
def history(house: House) -> History:
    body(house.finance.post(ENTRIES, top_up(house.trader.user, "10.00", effective_at=EARLY)), 201)
    second = house.finance.post(ENTRIES, top_up(house.trader.user, "1.00", effective_at=LATE))
    entry = body(house.finance.get(f"{ENTRIES}/{body(second, 201)['id']}", after=second))
    last = body(house.finance.post(ENTRIES, top_up(house.trader.user, "0.10", effective_at=EARLY)), 201)
    return History(house, last["log_position"], entry["recorded_at"])


def own_balances(history: History, path: str = "balances", **moment: str) -> str:
    (one,) = body(history.house.trader.get(path, after=history.last, **moment))["balances"]
    return str(one["value"])


def own_transactions(history: History, path: str = "transactions", **moment: str) -> str:
    found = items(history.house.trader.get(path, after=history.last, **moment))
    return _added(posting["amount"].lstrip("-") for entry in found for posting in entry["postings"])


def account_balances(history: History, **moment: str) -> str:
    path = f"ledger/accounts/{wallet(history.house.trader.user)}/balances"
    (one,) = body(history.house.finance.get(path, after=history.last, **moment))["balances"]
    return str(one["amount"]).lstrip("-")


def accounts(history: History, **moment: str) -> str:
    (one,) = items(history.house.finance.get("ledger/accounts", after=history.last, prefix="liabilities", **moment))
    return str(one["balances"][0]["amount"]).lstrip("-")


def statement(history: History, **moment: str) -> str:
    path = f"ledger/accounts/{wallet(history.house.trader.user)}/statement"
    page = body(history.house.finance.get(path, after=history.last, **moment))
    assert _added(line["amount"]["value"] for line in page["items"]) == page["closing"][0]["value"]
    return str(page["closing"][0]["value"])


def own_statement(history: History, **moment: str) -> str:
    page = body(history.house.trader.get("statement", after=history.last, **moment))
    assert _added(line["amount"]["value"] for line in page["items"]) == page["closing"][0]["value"]
    return str(page["closing"][0]["value"])


def own_file(history: History, **moment: str) -> str:
    text = history.house.trader.get("statement.csv", after=history.last, **moment).text
    (closing,) = (row for row in csv.DictReader(io.StringIO(text, newline="")) if row["row"] == "closing")
    return closing["balance"]


def trial_balance(history: History, **moment: str) -> str:
    (total,) = body(history.house.finance.get("ledger/trial-balance", after=history.last, **moment))["totals"]
    assert total["difference"] == "0.00"
    return str(total["debit"])


def _added(values: Any) -> str:  # noqa: ANN401 - any texts
    cents = sum(int(value.replace(".", "")) for value in values)
    return f"{cents // 100}.{cents % 100:02}"


QUERIES: Mapping[str, Callable[..., str]] = {
    "list_own_balances": own_balances,
    "list_own_transactions": own_transactions,
    "get_own_statement": own_statement,
    "get_own_statement_as_csv": own_file,
    "financial_balance": partial(own_balances, path="financial/balance"),
    "financial_transactions": partial(own_transactions, path="financial/transactions"),
    "get_account_balances": account_balances,
    "list_accounts": accounts,
    "get_account_statement": statement,
    "get_trial_balance": trial_balance,
}


@pytest.mark.parametrize("operation", QUERIES)
def test_all_four_combinations_of_the_two_times_are_answered_and_differ(history: History, operation: str) -> None:
    wanted = [value for _, value in history.moments]
    assert len(set(wanted)) == 4
    assert [QUERIES[operation](history, **moment) for moment, _ in history.moments] == wanted


def test_every_query_of_balances_takes_both_times_and_is_tried_here(nobody: Caller) -> None:
    document = body(nobody.get("/openapi.json"))
    taking: dict[str, set[str]] = {"as_of": set(), "known_at": set()}
    named = set()
    for methods in document["paths"].values():
        for operation in (one for method, one in methods.items() if method == "get"):
            for parameter in operation.get("parameters", ()):
                if parameter["name"] in taking:
                    taking[parameter["name"]].add(operation["operationId"])
            if any(word in operation["operationId"] for word in ("balance", "statement", "transactions")):
                named.add(operation["operationId"])
    assert taking["as_of"] == taking["known_at"] >= named
    # What finance's own build answers is tried in tests/interfaces/finance.
    elsewhere = ("explain", "get_finance_")
    assert {operation for operation in taking["as_of"] if not operation.startswith(elsewhere)} == QUERIES.keys()
