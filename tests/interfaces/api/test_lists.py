"""Lists come in pages that neither lose nor repeat; queries wait for what the caller wrote, and not for ever."""

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import pytest

from domain.users import Role
from tests.interfaces.api.answers import body, items, pointers, problem
from tests.interfaces.api.callers import Caller
from tests.interfaces.api.entries import BANK, PSP, capital, entry, top_up, wallet
from tests.interfaces.api.installation import House

ENTRIES = "ledger/entries"


def walk(caller: Caller, path: str, **parameters: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - as `get` has them
    """Read a list to its end, page by page."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    while True:
        page = body(caller.get(path, **parameters, **cursor))
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        assert page["items"], "only the last page may be empty"
        cursor = {"cursor": page["next_cursor"]}


@pytest.mark.parametrize("limit", [1, 3, 7, 500])
def test_pages_neither_lose_nor_repeat(finance: Caller, trader: Caller, limit: int) -> None:
    sent = [top_up(trader.user, f"{number}.00") for number in range(1, 8)]
    last = finance.post(f"{ENTRIES}/bulk", {"entries": sent})
    ids = [one["id"] for one in body(last, 201)["results"]]
    assert [one["id"] for one in walk(finance, ENTRIES, after=last, limit=limit)] == ids[::-1]
    assert [one["id"] for one in walk(trader, "transactions", after=last, limit=limit)] == ids[::-1]
    lines = walk(finance, f"ledger/accounts/{wallet(trader.user)}/statement", after=last, limit=limit)
    assert [line["entry"] for line in lines] == ids
    assert lines[-1]["balance"] == {"value": "28.00", "asset": "USD"}
    accounts = walk(finance, "ledger/accounts", after=last, limit=limit)
    assert [one["account"] for one in accounts] == sorted([BANK, wallet(trader.user)])


def test_what_is_written_meanwhile_does_not_move_the_pages(finance: Caller) -> None:
    last = finance.post(f"{ENTRIES}/bulk", {"entries": [capital()] * 4})
    first = body(finance.get(ENTRIES, after=last, limit=2))
    later = finance.post(ENTRIES, capital())
    rest = body(finance.get(ENTRIES, after=later, limit=2, cursor=first["next_cursor"]))
    assert len({one["id"] for one in first["items"] + rest["items"]}) == 4
    assert rest["next_cursor"] is None


def test_assets_are_listed_with_their_scales_for_every_tenant(finance: Caller, house: House) -> None:
    assets = {one["asset"]: one for one in walk(finance, "assets", after=house.head(), limit=5)}
    assert list(assets) == sorted(assets)
    assert assets["BTC"] == {"asset": "BTC", "company_scale": 18, "memo_scale": 18, "portfolio_scale": 18}
    assert assets["USD"] == {"asset": "USD", "company_scale": 2, "memo_scale": 2, "portfolio_scale": 18}


def encoded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


CURSORS = [
    "x", "!!!", "", "%00", "AAAA", "é", encoded("[]"), encoded("[1,2]"), encoded("{}"), encoded("null"),
    encoded('["a"]'), encoded("[-1]"), encoded("[1.5]"), encoded("[true]"), encoded("[NaN]"), encoded("[1e400]"),
    encoded(f"[{2**63}]"), encoded('["\\u0000"]'), encoded('["\\ud800"]'), encoded("[" * 2_000), encoded("[[]]"),
    encoded("[" + "9" * 3_000 + "]"), encoded("[0,0,0,[[1]]]"), encoded('[0,0,0,[["USD",-1,1]]]'),
    encoded('[0,0,0,[["USD",2,"x"]]]'), encoded('["a","b","\\ud800"]'),
]  # fmt: skip


@pytest.mark.parametrize("cursor", CURSORS)
def test_a_cursor_that_no_page_gave_is_refused_by_every_list(house: House, finance: Caller, cursor: str) -> None:
    finance.post(ENTRIES, entry((PSP, "1.00"), (BANK, "-1.00")))
    last = finance.post(ENTRIES, top_up(house.trader.user, "1.00"))
    readers = {
        finance: ["assets", ENTRIES, "ledger/accounts", f"ledger/accounts/{PSP}/statement"],
        house.trader: ["transactions", "connections", "orders", "fills", "positions"],
        house.admin: ["admin/users"],
    }
    for caller, paths in readers.items():
        for path in paths:
            answer = caller.get(path, after=last, cursor=cursor)
            # A text may be a cursor of a list that is ordered by texts: then it is only a place in that list.
            if answer.status_code != 200:
                assert "cursor" in pointers(problem(answer, 422, answer.json()["code"]))[0]


def test_a_page_of_one_list_is_no_page_of_another(house: House, finance: Caller) -> None:
    last = finance.post(f"{ENTRIES}/bulk", {"entries": [top_up(house.trader.user, "1.00")] * 2})
    cursor = body(finance.get("ledger/accounts", after=last, limit=1))["next_cursor"]
    problem(finance.get(ENTRIES, cursor=cursor), 422, "malformed_cursor")


def test_a_changed_cursor_is_refused_or_harmless(finance: Caller) -> None:
    last = finance.post(f"{ENTRIES}/bulk", {"entries": [capital()] * 3})
    cursor = body(finance.get(ENTRIES, after=last, limit=1))["next_cursor"]
    decoded = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    for place in range(len(decoded)):
        changed = urlsafe_b64encode(decoded[:place] + b"x" + decoded[place + 1 :]).decode().rstrip("=")
        problem(finance.get(ENTRIES, cursor=changed), 422, "malformed_cursor")


def test_a_query_sees_what_its_caller_wrote(finance: Caller, trader: Caller) -> None:
    for number in range(1, 11):
        last = finance.post(ENTRIES, top_up(trader.user, "1.00"))
        answer = trader.get("balances", after=last)
        assert body(answer)["balances"][0]["value"] == f"{number}.00"
        assert int(answer.headers["X-Log-Position"]) >= int(last.headers["X-Log-Position"])


def test_a_position_that_is_not_reached_is_503_after_five_seconds(finance: Caller, house: House) -> None:
    started = time.monotonic()
    answer = finance.get(ENTRIES, after=house.head() + 1_000_000)
    problem(answer, 503, "position_not_reached")
    assert 4.5 < time.monotonic() - started < 10
    assert int(answer.headers["Retry-After"]) > 0


def test_nothing_of_another_user_or_tenant_is_listed(house: House, trader: Caller) -> None:
    opened = trader.post("connections", {"venue": "paper", "start": {"value": "100", "asset": "USD"}})
    order = {"connection": body(opened, 201)["id"], "instrument": "btc-usd", "side": "buy", "type": "market"}
    last = trader.post("orders", {**order, "quantity": "0.001"})
    body(last, 201)
    stranger = house.installation.a_house()
    for caller in (house.person(Role.TRADER), stranger.trader, stranger.auditor):
        for path in ("connections", "orders", "fills", "positions"):
            assert items(caller.get(path, after=last)) == []
    assert len(items(house.auditor.get("orders", after=last))) == 1
