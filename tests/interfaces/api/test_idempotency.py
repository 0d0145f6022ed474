"""One key, one effect, one answer: on two API processes, at the same moment, and for refusals too (CONTRACT)."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from domain.users import Role
from tests.interfaces.api.answers import body, problem
from tests.interfaces.api.callers import V1, Caller
from tests.interfaces.api.entries import capital, take, top_up, wallet
from tests.interfaces.api.installation import House, Installation

ENTRIES = "ledger/entries"

KEYED: dict[str, Any] = {
    ENTRIES: capital(),
    f"{ENTRIES}/bulk": {"entries": [capital()]},
    f"{ENTRIES}/{'0' * 32}/reverse": {},
    "connections": {"venue": "paper", "start": {"value": "1", "asset": "USD"}},
    "orders": {"connection": "0" * 32, "instrument": "btc-usd", "side": "buy", "type": "market", "quantity": "1"},
}


def both(installation: Installation, caller: Caller) -> tuple[Caller, Caller]:
    """Return the same person at both processes."""
    first, second = installation.apis
    return caller.at(first), caller.at(second)


@pytest.mark.parametrize("path", KEYED)
def test_where_money_or_orders_move_a_key_is_required(house: House, path: str) -> None:
    caller = house.finance if path.startswith("ledger") else house.trader
    before = house.written()
    problem(caller.post(path, KEYED[path], key=None), 400, "idempotency_key_required")
    assert house.written() == before


@pytest.mark.parametrize("key", ["", "k" * 129, "caf\xe9", "tab\there"])
def test_a_key_has_1_to_128_printable_ascii_characters(finance: Caller, key: str) -> None:
    headers = {b"Idempotency-Key": key.encode("latin-1"), b"Authorization": f"Bearer {finance.token}".encode()}
    answer = finance.http.post(f"{V1}/{ENTRIES}", json=capital(), headers=headers)
    assert answer.status_code == 400
    body(finance.post(ENTRIES, capital(), key="!" + "~" * 127), 201)


def test_the_same_request_gets_the_first_answer_from_either_process(
    *, installation: Installation, finance: Caller, trader: Caller, house: House
) -> None:
    one, other = both(installation, finance)
    sent = top_up(trader.user, "1.00")
    first = one.post(ENTRIES, sent, key="k")
    before = house.written()
    for again in (other.post(ENTRIES, sent, key="k"), one.post(ENTRIES, sent, key="k")):
        assert (again.status_code, again.json()) == (first.status_code, first.json())
        assert again.headers["Idempotent-Replayed"] == "true"
        assert again.headers["X-Log-Position"] == first.headers["X-Log-Position"]
    assert "Idempotent-Replayed" not in first.headers
    assert house.written() == before


SAME = {
    "more zeros": {"postings": [{"account": "assets:bank:client:main", "asset": "USD", "amount": "1.0"},
                                {"account": "equity:owner", "asset": "USD", "amount": "-1"}]},
    "another offset": {"effective_at": "2026-01-01T01:00:00+01:00"},
    "another fraction": {"effective_at": "2026-01-01T00:00:00.000Z"},
    "a default that is said": {"note": ""},
    "metadata in another order": {"metadata": {"b": "2", "a": "1"}},
}  # fmt: skip
FIRST = capital(effective_at="2026-01-01T00:00:00Z", metadata={"a": "1", "b": "2"})


@pytest.mark.parametrize("changes", SAME.values(), ids=SAME.keys())
def test_what_says_the_same_in_another_way_is_the_same_request(finance: Caller, changes: dict[str, Any]) -> None:
    first = finance.post(ENTRIES, FIRST, key="k")
    again = finance.post(ENTRIES, FIRST | changes, key="k")
    assert (body(again, 201), again.headers["Idempotent-Replayed"]) == (body(first, 201), "true")


def test_members_in_another_order_and_more_space_are_the_same_request(finance: Caller) -> None:
    first = finance.post(ENTRIES, FIRST, key="k")
    turned = json.dumps(dict(reversed(FIRST.items())), indent=3).encode()
    again = finance.send("POST", ENTRIES, key="k", content=turned, headers={"Content-Type": "application/json"})
    assert body(again, 201) == body(first, 201)


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        (ENTRIES, capital("2.00")),
        (ENTRIES, capital(note="other")),
        (ENTRIES, capital(asset="EUR")),
        (f"{ENTRIES}/bulk", {"entries": [capital()]}),
    ],
)
def test_another_request_under_the_same_key_is_refused(
    *, installation: Installation, finance: Caller, house: House, path: str, sent: dict[str, Any]
) -> None:
    one, other = both(installation, finance)
    body(one.post(ENTRIES, capital(), key="k"), 201)
    before = house.written()
    for caller in (one, other):
        problem(caller.post(path, sent, key="k"), 422, "idempotency_key_reused")
    assert house.written() == before


def test_a_key_belongs_to_its_actor_and_tenant(house: House, finance: Caller) -> None:
    colleague = house.person(Role.FINANCE)
    stranger = house.installation.a_house().finance
    ids = {body(caller.post(ENTRIES, capital(), key="k"), 201)["id"] for caller in (finance, colleague, stranger)}
    assert len(ids) == 3


def test_a_failure_is_as_final_as_a_success(installation: Installation, finance: Caller, trader: Caller) -> None:
    one, other = both(installation, finance)
    sent = take(trader.user, "1.00")
    first = problem(one.post(ENTRIES, sent, key="k"), 409, "insufficient_funds")
    body(one.post(ENTRIES, top_up(trader.user, "5.00")), 201)
    again = other.post(ENTRIES, sent, key="k")
    repeated = problem(again, 409, "insufficient_funds")
    assert {**repeated, "request_id": ""} == {**first, "request_id": ""}
    assert again.headers["Idempotent-Replayed"] == "true"
    body(other.post(ENTRIES, sent, key="a fresh one"), 201)


def test_what_was_malformed_may_be_sent_again_under_its_key(finance: Caller) -> None:
    problem(finance.post(ENTRIES, capital("1.001"), key="k"), 422, "too_many_decimals")
    problem(finance.post(f"{ENTRIES}/{'0' * 32}/reverse", {}, key="k"), 404, "unknown_entry")
    body(finance.post(ENTRIES, capital(), key="k"), 201)


@pytest.mark.parametrize("refused", [False, True], ids=["accepted", "refused"])
def test_equal_requests_at_the_same_moment_have_one_effect_and_equal_answers(
    *, installation: Installation, finance: Caller, trader: Caller, house: House, refused: bool
) -> None:
    for _ in range(5):
        make, key = take if refused else top_up, uuid.uuid4().hex
        sent, before = make(trader.user, "1.00"), house.written()
        answers = at_once([(caller, sent, key) for caller in both(installation, finance) for _ in range(4)])
        assert {answer.status_code for answer in answers} == {409 if refused else 201}
        assert len({without_request_id(answer) for answer in answers}) == 1
        assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
        assert house.written() - before == (1 if refused else 2)


def test_two_requests_race_for_the_last_cent_and_one_wins(
    installation: Installation, finance: Caller, trader: Caller
) -> None:
    one, other = both(installation, finance)
    for _ in range(5):
        body(one.post(ENTRIES, top_up(trader.user, "0.01")), 201)
        sent = take(trader.user, "0.01")
        answers = at_once([(caller, sent, uuid.uuid4().hex) for caller in (one, other, one, other)])
        won, *lost = sorted(answers, key=lambda answer: answer.status_code)
        assert (won.status_code, {answer.status_code for answer in lost}) == (201, {409})
        balances = body(one.get(f"ledger/accounts/{wallet(trader.user)}/balances", after=won))["balances"]
        assert balances == [{"asset": "USD", "amount": "0.00"}]


def at_once(requests: list[tuple[Caller, dict[str, Any], str]]) -> list[httpx.Response]:
    """Send entries at the same moment, each over a connection of its own."""

    def send(request: tuple[Caller, dict[str, Any], str]) -> httpx.Response:
        caller, sent, key = request
        with httpx.Client(base_url=caller.http.base_url, timeout=20) as http:
            return caller.at(http).post(ENTRIES, sent, key=key)

    with ThreadPoolExecutor(len(requests)) as threads:
        return list(threads.map(send, requests))


def without_request_id(answer: httpx.Response) -> str:
    said = answer.json()
    said.pop("request_id", None)
    return json.dumps(said, sort_keys=True)
