"""A user's own statement: pages and file add up, are of one moment, show nobody else's money and hold no formula."""

import csv
import io
from typing import Any

import pytest

from domain.users import Role
from tests.interfaces.api.answers import body, pointers, problem
from tests.interfaces.api.callers import Caller
from tests.interfaces.api.entries import BANK, entry, take, top_up, wallet
from tests.interfaces.api.installation import House
from tests.interfaces.api.signers import hmac_key

ENTRIES = "ledger/entries"
FILE = "statement.csv"


def usd(value: str) -> dict[str, str]:
    return {"value": value, "asset": "USD"}


def rows(caller: Caller, **parameters: Any) -> list[dict[str, str]]:  # noqa: ANN401 - as `get` has them
    answer = caller.get(FILE, **parameters)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def of(row: str, found: list[dict[str, str]]) -> list[dict[str, str]]:
    return [one for one in found if one["row"] == row]


def test_a_statement_brings_forward_runs_and_carries_over(house: House, trader: Caller) -> None:
    finance, user = house.finance, trader.user
    sent = (top_up(user, "10.00"), take(user, "4.00"), top_up(user, "1.50"))
    dated = [{**one, "effective_at": f"2026-11-0{day}T12:00:00Z"} for day, one in enumerate(sent, start=1)]
    last = finance.post(f"{ENTRIES}/bulk", {"entries": dated})
    body(last, 201)
    said = body(trader.get("statement", after=last))
    assert (said["bucket"], said["state"], said["opening"], said["closing"]) == (
        "real", "available", [], [usd("7.50")],
    )  # fmt: skip
    assert [(one["amount"]["value"], one["balance"]["value"]) for one in said["items"]] == [
        ("10.00", "10.00"), ("-4.00", "6.00"), ("1.50", "7.50"),
    ]  # fmt: skip
    times: dict[str, Any] = {"from_": "2026-11-02T00:00:00Z", "to": "2026-11-03T00:00:00Z"}
    part = body(trader.get("statement", **times))
    assert (part["opening"], len(part["items"]), part["closing"]) == ([usd("10.00")], 1, [usd("6.00")])
    found = rows(trader, **times)
    assert [one["row"] for one in found] == ["opening", "posting", "closing", "end"]
    assert [one["balance"] for one in found] == ["10.00", "6.00", "6.00", ""]
    assert (found[1]["amount"], found[-1]["line"]) == ("-4.00", "1")


def test_pages_and_file_say_the_same_however_long_it_is(house: House, trader: Caller) -> None:
    last = house.finance.post(f"{ENTRIES}/bulk", {"entries": [top_up(trader.user, "0.01")] * 600})
    first = body(trader.get("statement", after=last, limit=350))
    second = body(trader.get("statement", limit=350, cursor=first["next_cursor"]))
    assert (first["closing"], second["opening"], second["closing"]) == ([usd("3.50")], [usd("3.50")], [usd("6.00")])
    found = rows(trader)
    lines = of("posting", found)
    assert [one["entry"] for one in lines] == [one["entry"] for one in first["items"] + second["items"]]
    assert [int(one["balance"].replace(".", "")) for one in lines] == list(range(1, 601))
    assert (of("closing", found)[0]["balance"], of("end", found)[0]["line"]) == ("6.00", "600")


def test_what_is_written_meanwhile_comes_into_no_page(house: House, trader: Caller) -> None:
    last = house.finance.post(f"{ENTRIES}/bulk", {"entries": [top_up(trader.user, "1.00")] * 3})
    first = body(trader.get("statement", after=last, limit=2))
    later = house.finance.post(ENTRIES, top_up(trader.user, "9.00"))
    rest = body(trader.get("statement", after=later, limit=2, cursor=first["next_cursor"]))
    assert (len(rest["items"]), rest["closing"], rest["next_cursor"]) == (1, [usd("3.00")], None)
    assert body(trader.get("statement", limit=9))["closing"] == [usd("12.00")]


def test_a_statement_is_as_of_one_time_and_as_known_at_another(house: House, trader: Caller) -> None:
    finance, user = house.finance, trader.user
    early, late = "2026-11-01T00:00:00Z", "2026-11-10T00:00:00Z"
    finance.post(ENTRIES, top_up(user, "1.00", effective_at=early))
    second = finance.post(ENTRIES, top_up(user, "2.00", effective_at=late))
    known = items_of(trader, second)[-1]["recorded_at"]
    last = finance.post(ENTRIES, top_up(user, "4.00", effective_at=early))
    as_of = "2026-11-05T00:00:00Z"
    moments: list[tuple[dict[str, Any], str]] = [
        ({}, "7.00"), ({"as_of": as_of}, "5.00"), ({"known_at": known}, "3.00"),
        ({"as_of": as_of, "known_at": known}, "1.00"),
    ]  # fmt: skip
    for moment, total in moments:
        assert body(trader.get("statement", after=last, **moment))["closing"] == [usd(total)]
        assert of("closing", rows(trader, **moment))[0]["balance"] == total


def items_of(caller: Caller, after: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - an answer
    found: list[dict[str, Any]] = body(caller.get("statement", after=after))["items"]
    return found


def test_buckets_and_assets_are_told_apart(house: House, trader: Caller) -> None:
    user = trader.user
    house.finance.post(ENTRIES, top_up(user, "1.00"))
    house.finance.post(ENTRIES, entry((BANK, "3.00"), (wallet(user, "commission"), "-3.00")))
    last = house.finance.post(ENTRIES, entry((BANK, "5.00"), (wallet(user), "-5.00"), asset="EUR"))
    both = body(trader.get("statement", after=last))["closing"]
    assert both == [{"value": "5.00", "asset": "EUR"}, usd("1.00")]
    assert body(trader.get("statement", asset="USD"))["closing"] == [usd("1.00")]
    assert body(trader.get("statement", bucket="commission"))["closing"] == [usd("3.00")]
    assert [one["asset"] for one in of("closing", rows(trader, asset="EUR"))] == ["EUR"]


def test_where_nothing_was_ever_booked_the_statement_is_empty(trader: Caller) -> None:
    for bucket, state in (("real", "held"), ("receivable", "owed"), ("bonus", "available")):
        said = body(trader.get("statement", bucket=bucket, state=state))
        assert (said["opening"], said["items"], said["closing"]) == ([], [], [])
        assert [one["row"] for one in rows(trader, bucket=bucket, state=state)] == ["end"]
    problem(trader.get("statement", bucket="bonus", state="held"), 422, "unknown_bucket")
    problem(trader.get(FILE, bucket="receivable", state="held"), 422, "unknown_bucket")
    assert pointers(problem(trader.get(FILE, bucket="x"), 422, "invalid_request")) == ["query:bucket"]


def test_a_statement_shows_nobody_elses_money(house: House, trader: Caller) -> None:
    last = house.finance.post(ENTRIES, top_up(trader.user, "1.00"))
    for other in (house.person(Role.TRADER), house.installation.a_house().trader):
        assert body(other.get("statement", after=last))["items"] == []
    problem(house.finance.get("statement"), 403, "role_not_allowed")
    reader = hmac_key(trader, "read")
    assert rows(reader) == rows(trader)


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1", "-1", "@x", " =1", "＝1", '"quoted", and so on'])  # noqa: RUF001 - spreadsheets take these too
def test_no_text_becomes_a_formula_and_none_is_lost(house: House, trader: Caller, text: str) -> None:
    last = house.finance.post(ENTRIES, top_up(trader.user, "1.00", note=text, reference=text))
    (line,) = of("posting", rows(trader, after=last))
    expected = text if text.startswith('"') else f"'{text}"
    assert (line["note"], line["reference"], line["amount"]) == (expected, expected, "1.00")
