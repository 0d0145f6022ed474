"""Withdrawals over HTTP: from the destination to the bank's file and back, and who may do what on the way."""

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import httpx
import pytest

from domain.users import Role
from tests.interfaces.api.answers import body, items, pointers, problem
from tests.interfaces.api.callers import Caller
from tests.interfaces.api.installation import METRICS_TOKEN, House, Installation

IBAN = {"kind": "iban", "asset": "USD", "holder": "Ana Souza", "iban": "GB82 WEST 1234 5698 7654 32"}


@pytest.fixture
def trader(house: House, warm: httpx.Client) -> Caller:
    return house.trader.at(warm)


@pytest.fixture
def operator(house: House, warm: httpx.Client) -> Caller:
    return house.the(Role.OPERATOR).at(warm)


@pytest.fixture
def manager(house: House, warm: httpx.Client) -> Caller:
    return house.the(Role.MANAGER).at(warm)


def money(value: str, asset: str = "USD") -> dict[str, str]:
    return {"value": value, "asset": asset}


def funded(house: House, user: Caller, value: str) -> None:
    """Give a user money by hand, which is at the bank."""
    lines = [
        {"account": "assets:bank:client:main", "asset": "USD", "amount": value},
        {"account": f"liabilities:users:{user.user}:real:available", "asset": "USD", "amount": f"-{value}"},
    ]
    body(house.finance.post("ledger/entries", {"kind": "receipt", "postings": lines}), 201)


def destination(user: Caller, **more: str) -> str:
    return str(body(user.post("destinations", {**IBAN, **more}), 201)["id"])


def requested(user: Caller, value: str, to: str) -> httpx.Response:
    return user.post("withdrawals", {"amount": money(value), "destination_id": to})


def withdrawn(user: Caller, value: str) -> str:
    return str(body(requested(user, value, destination(user)), 201)["id"])


def balances(user: Caller, after: httpx.Response | int) -> dict[tuple[str, str], str]:
    found = body(user.get("balances", after=after))["balances"]
    return {(one["bucket"], one["state"]): one["value"] for one in found}


def balance(house: House, account: str, after: httpx.Response) -> str:
    answer = body(house.finance.get(f"ledger/accounts/{account}/balances", after=after))
    return str(answer["balances"][0]["amount"])


def test_a_withdrawal_from_the_request_to_the_bank(house: House, trader: Caller, operator: Caller) -> None:
    funded(house, trader, "200.00")
    answer = requested(trader, "50.00", destination(trader))
    id = body(answer, 201)["id"]
    assert body(answer, 201)["status"] == "requested"
    assert balances(trader, answer) == {("real", "available"): "150.00", ("real", "held"): "50.00"}
    approved = operator.post(f"admin/withdrawals/{id}/approve")
    assert body(approved) == {"id": id, "status": "approved"}
    assert balance(house, f"liabilities:withdrawals:payable:{trader.user}", approved) == "-50.00"
    paid = operator.post(f"admin/withdrawals/{id}/paid", {"bank": "main", "reference": "B 17"})
    assert body(paid) == {"id": id, "status": "paid"}
    assert balance(house, "assets:bank:client:main", paid) == "152.00"
    assert balance(house, "revenue:withdrawal_fees", paid) == "-2.00"
    one = body(trader.get(f"withdrawals/{id}", after=paid))
    assert (one["net"], one["bank_reference"], one["status"]) == (money("48.00"), "B 17", "paid")
    assert [step["status"] for step in one["history"]] == ["requested", "approved", "paid"]


def test_a_withdrawal_that_comes_back(house: House, trader: Caller, operator: Caller) -> None:
    funded(house, trader, "200.00")
    id = withdrawn(trader, "50.00")
    body(operator.post(f"admin/withdrawals/{id}/approve"))
    body(operator.post(f"admin/withdrawals/{id}/paid", {"bank": "main", "reference": "B 17"}))
    back = operator.post(
        f"admin/withdrawals/{id}/returned", {"reason": "account closed", "charge": money("1.00"), "bank": "main"}
    )
    assert body(back) == {"id": id, "status": "returned"}
    assert balances(trader, back)["real", "available"] == "200.00"
    assert balance(house, "expenses:bank_fees", back) == "1.00"
    answer = operator.post(f"admin/withdrawals/{id}/failed", {"reason": "again"})
    assert problem(answer, 409, "withdrawal_transition_refused")["status"] == 409


def test_the_queue_has_ages_and_an_order_and_forgets_what_is_done(
    house: House, trader: Caller, operator: Caller
) -> None:
    funded(house, trader, "200.00")
    to = destination(trader)
    first, second, third = (body(requested(trader, "20.00", to), 201)["id"] for _ in range(3))
    body(trader.post(f"withdrawals/{first}/cancel"))
    last = operator.post(f"admin/withdrawals/{second}/approve")
    queue = items(operator.get("admin/withdrawals", after=last))
    assert [one["id"] for one in queue] == [second, third]
    assert all(0 <= one["age_s"] < 600 for one in queue)
    for waits_for, expected in (("approval", [third]), ("payment", [second])):
        assert [one["id"] for one in items(operator.get("admin/withdrawals", waits_for=waits_for))] == expected
    assert [one["status"] for one in items(trader.get("withdrawals"))] == ["requested", "approved", "cancelled"]
    assert [one["id"] for one in items(trader.get("withdrawals", status="cancelled"))] == [first]


def test_a_user_sees_and_cancels_their_own_only(house: House, trader: Caller) -> None:
    funded(house, trader, "200.00")
    id = withdrawn(trader, "50.00")
    other = house.person(Role.TRADER)
    problem(other.post(f"withdrawals/{id}/cancel"), 404, "unknown_withdrawal")
    problem(other.get(f"withdrawals/{id}"), 404, "unknown_withdrawal")
    assert items(other.get("withdrawals")) == []
    problem(requested(other, "50.00", destination(trader)), 404, "unknown_destination")


def test_nobody_decides_on_their_own_withdrawal(house: House, warm: httpx.Client, manager: Caller) -> None:
    both = house.person(Role.TRADER, Role.OPERATOR, Role.FINANCE).at(warm)
    funded(house, both, "5000.00")
    id = withdrawn(both, "50.00")
    problem(both.post(f"admin/withdrawals/{id}/approve"), 403, "self_approval")
    problem(both.post(f"admin/withdrawals/{id}/reject", {"reason": "x"}), 403, "self_approval")
    body(manager.post(f"admin/withdrawals/{id}/approve"))
    problem(both.post(f"admin/withdrawals/{id}/paid", {"bank": "main", "reference": "B"}), 403, "self_approval")
    large = withdrawn(both, "3000.00")
    problem(both.post(f"admin/withdrawals/{large}/approve"), 403, "self_approval")
    proposed = body(manager.post(f"admin/withdrawals/{large}/approve"), 202)["proposal"]["id"]
    problem(both.post(f"proposals/{proposed}/approve"), 403, "self_approval")


def test_what_is_large_needs_two_people(*, house: House, trader: Caller, operator: Caller, manager: Caller) -> None:
    funded(house, trader, "5000.00")
    id = withdrawn(trader, "3000.00")
    answer = operator.post(f"admin/withdrawals/{id}/approve")
    proposal = body(answer, 202)["proposal"]
    assert proposal["status"] == "open"
    problem(operator.post(f"proposals/{proposal['id']}/approve"), 403, "self_approval")
    problem(house.finance.post(f"proposals/{proposal['id']}/approve"), 403, "role_not_allowed")
    (listed,) = items(manager.get("proposals", after=answer, status="open"))
    assert (listed["act"], listed["subject"], listed["proposed_by"]) == ("approve_withdrawal", id, operator.user)
    approved = manager.post(f"proposals/{proposal['id']}/approve")
    assert body(approved)["result"] == {"id": id, "status": "approved"}
    problem(manager.post(f"proposals/{proposal['id']}/reject", {"reason": "late"}), 409, "proposal_closed")
    (listed,) = items(manager.get("proposals", after=approved))
    assert (listed["status"], listed["decided_by"]) == ("approved", manager.user)


def test_limits_and_debts_are_said_with_their_numbers(house: House, trader: Caller) -> None:
    funded(house, trader, "20000.00")
    to = destination(trader)
    said = problem(requested(trader, "9.99", to), 409, "withdrawal_below_minimum")
    assert said["minimum"] == money("10.00")
    said = problem(requested(trader, "5000.01", to), 409, "withdrawal_limit_exceeded")
    assert (said["limit"], said["most"]) == ("per_request", money("5000.00"))
    for _ in range(2):
        body(requested(trader, "5000.00", to), 201)
    said = problem(requested(trader, "10.00", to), 409, "withdrawal_limit_exceeded")
    assert (said["limit"], said["used"], said["most"]) == ("per_day", money("10000.00"), money("10000.00"))


def test_a_new_destination_cools_down(house: House) -> None:
    funded(house, house.trader, "200.00")
    problem(requested(house.trader, "50.00", destination(house.trader)), 409, "destination_cooling")


def test_a_destination_is_shown_by_its_end_and_its_particulars_are_in_no_fact(house: House, trader: Caller) -> None:
    added = trader.post("destinations", IBAN)
    id = body(added, 201)["id"]
    (one,) = items(trader.get("destinations", after=added))
    assert (one["id"], one["kind"], one["hint"]) == (id, "iban", "…5432")
    removed = trader.send("DELETE", f"destinations/{id}")
    assert items(trader.get("destinations", after=removed)) == []
    office = house.installation.office
    events = "SELECT count(*) FROM log.events WHERE convert_from(state, 'UTF8') ~ %s"
    receipts = "SELECT count(*) FROM log.receipts AS r WHERE r::text ~ %s"
    for query in (events, receipts):
        assert office.sql(query, "5698765432|Ana Souza") == [(0,)]


def test_the_particulars_of_a_destination_are_in_no_log_and_no_metric(house: House, installation: Installation) -> None:
    body(house.trader.post("destinations", IBAN), 201)
    problem(house.trader.post("destinations", {**IBAN, "iban": "GB82 WEST 1234 5698 7654 33"}), 422, "invalid_request")
    metrics = installation.nobody.send("GET", "/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}).text
    logs = "".join(path.read_text() for path in installation.home.glob("*.log"))
    for said in (metrics, logs):
        assert not any(text in said for text in ("56987654", "5698 7654", "Ana Souza"))


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"iban": "GB82 WEST 1234 5698 7654 33"}, "/iban/iban"),
        ({"kind": "crypto", "asset": "BTC", "network": "bitcoin", "address": "nonsense"}, ""),
        ({"kind": "pix", "asset": "BRL", "tax_id": "390.533.447-06", "key_type": "cpf", "key": "x"}, "/pix/tax_id"),
    ],
)
def test_a_wrong_digit_is_pointed_at(trader: Caller, wrong: dict[str, str], pointer: str) -> None:
    answer = trader.post("destinations", {"holder": "Ana", **({} if "kind" in wrong else IBAN), **wrong})
    said = problem(answer, 422, "invalid_request")
    assert any(one.startswith(pointer) for one in pointers(said))
    assert "5698" not in answer.text


def test_the_file_for_the_bank_is_exact_and_has_a_control_total(house: House, trader: Caller, operator: Caller) -> None:
    funded(house, trader, "1000.00")
    to = destination(trader, holder="=cmd()|' /C calc'!A0")
    ids = [body(requested(trader, value, to), 201)["id"] for value in ("50.00", "33.33", "20.00")]
    last = [operator.post(f"admin/withdrawals/{id}/approve") for id in ids[:2]][-1]
    known = last.headers["X-Log-Position"]
    made = operator.post("admin/payout-files", {"asset": "USD"}, min_log_position=known)
    file = body(made, 201)
    assert (file["payments"], file["total"]) == (2, money("79.33"))
    answer = operator.get(f"admin/payout-files/{file['id']}")
    assert answer.headers["content-type"].startswith("text/csv")
    *lines, control = csv.DictReader(io.StringIO(answer.text))
    assert [(line["reference"], line["amount"], line["iban"]) for line in lines] == [
        (ids[0], "48.00", "GB82WEST12345698765432"),
        (ids[1], "31.33", "GB82WEST12345698765432"),
    ]
    assert lines[0]["holder"].startswith("'=")
    assert (control["reference"], control["rail"], control["amount"]) == ("TOTAL", "2", "79.33")
    assert operator.get(f"admin/payout-files/{file['id']}").text == answer.text
    (listed,) = items(house.auditor.get("admin/payout-files", after=made))
    assert (listed["id"], listed["made_by"]) == (file["id"], operator.user)
    problem(trader.get(f"admin/payout-files/{file['id']}"), 403, "role_not_allowed")
    problem(operator.get(f"admin/payout-files/{'0' * 32}"), 404, "unknown_payout_file")


def test_a_withdrawal_is_in_one_file_and_its_own_user_makes_none_of_it(
    house: House, trader: Caller, operator: Caller
) -> None:
    funded(house, trader, "100.00")
    both = house.person(Role.TRADER, Role.OPERATOR).at(trader.http)
    funded(house, both, "100.00")
    ids = [withdrawn(one, "50.00") for one in (trader, both)]
    last = [operator.post(f"admin/withdrawals/{id}/approve") for id in ids][-1]
    known = last.headers["X-Log-Position"]
    with ThreadPoolExecutor(4) as threads:
        made = list(
            threads.map(lambda _: both.post("admin/payout-files", {"asset": "USD"}, min_log_position=known), "abcd")
        )
    assert sorted(answer.status_code for answer in made) == [201, 409, 409, 409]
    assert [answer.json()["payments"] for answer in made if answer.status_code == 201] == [1]
    assert {answer.json()["code"] for answer in made if answer.status_code == 409} == {"nothing_to_pay"}
    rest = operator.post("admin/payout-files", {"asset": "USD"}, min_log_position=known)
    lines = csv.DictReader(io.StringIO(operator.get(f"admin/payout-files/{body(rest, 201)['id']}").text))
    assert [line["reference"] for line in lines] == [ids[1], "TOTAL"]
    sent = body(trader.get(f"withdrawals/{ids[0]}", after=rest))
    assert (sent["status"], len(sent["payout_file"])) == ("approved", 32)


@pytest.mark.parametrize(
    ("money_there", "each", "passing", "refusals"),
    [
        ("100.00", "20.00", 5, {"insufficient_funds"}),
        ("50000.00", "2500.00", 4, {"withdrawal_limit_exceeded"}),
        ("50000.00", "10.00", 10, {"too_many_withdrawals"}),
    ],
    ids=["balance", "daily limit", "requests of a day"],
)
def test_32_withdrawals_that_race_over_three_processes_take_what_there_is_and_no_more(
    *, house: House, trader: Caller, money_there: str, each: str, passing: int, refusals: set[str]
) -> None:
    funded(house, trader, money_there)
    to = destination(trader)
    processes = (trader, *(trader.at(api) for api in house.installation.apis))
    assert len({str(one.http.base_url) for one in processes}) == 3
    with ThreadPoolExecutor(32) as threads:
        answers = list(threads.map(lambda number: requested(processes[number % 3], each, to), range(32)))
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [201] * passing + [409] * (32 - passing)
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == refusals
    taken = passing * Decimal(each)
    assert balances(trader, house.head())["real", "held"] == f"{taken:.2f}"


def test_cancelling_and_approving_at_once_has_one_winner(house: House, trader: Caller, operator: Caller) -> None:
    funded(house, trader, "200.00")
    to = destination(trader)
    for _ in range(8):
        id = body(requested(trader, "20.00", to), 201)["id"]
        with ThreadPoolExecutor(2) as threads:
            cancelled = threads.submit(trader.post, f"withdrawals/{id}/cancel")
            approved = threads.submit(operator.post, f"admin/withdrawals/{id}/approve")
        assert sorted((cancelled.result().status_code, approved.result().status_code)) == [200, 409]


def test_a_large_entry_by_hand_needs_two_people_where_that_is_set(house: House, warm: httpx.Client) -> None:
    first, second = (house.person(Role.FINANCE).at(warm) for _ in range(2))
    lines = [
        {"account": "assets:bank:own:main", "asset": "BRL", "amount": "500.01"},
        {"account": "equity:owner", "asset": "BRL", "amount": "-500.01"},
    ]
    entry = {"kind": "capital", "postings": lines}
    proposal = body(first.post("ledger/entries", entry), 202)["proposal"]["id"]
    problem(first.post(f"proposals/{proposal}/approve"), 403, "self_approval")
    done = second.post(f"proposals/{proposal}/approve")
    posted = body(second.get(f"ledger/entries/{body(done)['result']['id']}", after=done))
    assert posted["postings"][0]["amount"] == "500.01"
    problem(first.post("ledger/entries/bulk", {"entries": [entry]}), 403, "second_person_needed")
    small = [{**line, "amount": line["amount"].replace(".01", ".00")} for line in lines]
    body(first.post("ledger/entries", {"kind": "capital", "postings": small}), 201)
