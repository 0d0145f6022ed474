"""Entries go in over HTTP once, and come out as journal, balances, statement and trial balance."""

from typing import Any

import httpx
import pytest

from domain.users import Role
from tests.interfaces.api.answers import body, items, pointers, problem
from tests.interfaces.api.callers import Caller
from tests.interfaces.api.entries import BANK, PSP, capital, entry, posting, take, top_up, wallet
from tests.interfaces.api.installation import House

ENTRIES = "ledger/entries"


def test_an_entry_is_answered_with_its_id_book_position_and_content(
    finance: Caller, trader: Caller, house: House
) -> None:
    sent = top_up(
        trader.user, "10.00", reference="invoice 17", note="by hand", metadata={"desk": "7"},
        occurred_at="2026-01-02T03:04:05+01:00", effective_at="2026-01-02T03:04:05.5Z",
    )  # fmt: skip
    answer = finance.post(ENTRIES, sent)
    said = body(answer, 201)
    assert said.keys() == {"id", "book", "log_position", "entry"}
    assert said["book"] == trader.user
    assert said["log_position"] == int(answer.headers["X-Log-Position"])
    assert said["entry"].items() >= {
        "id": said["id"],
        "kind": "top_up",
        "reference": "invoice 17",
        "note": "by hand",
        "metadata": {"desk": "7"},
        "occurred_at": "2026-01-02T02:04:05Z",
        "effective_at": "2026-01-02T03:04:05.500000Z",
        "postings": [posting(BANK, "10.00"), posting(wallet(trader.user), "-10.00")],
    }.items()  # fmt: skip
    shown = body(finance.get(f"{ENTRIES}/{said['id']}", after=answer))
    assert shown.items() >= said["entry"].items()
    assert shown["actor"] == finance.user
    assert shown["log_position"] == said["log_position"]
    assert house.written() > 0


def test_without_a_reference_the_entry_is_its_own(finance: Caller) -> None:
    said = body(finance.post(ENTRIES, capital()), 201)
    assert said["entry"]["reference"] == said["id"]


def test_a_house_entry_is_booked_in_the_month_of_the_command(finance: Caller) -> None:
    said = body(finance.post(ENTRIES, capital(effective_at="2020-01-01T00:00:00Z")), 201)
    assert said["book"].startswith("house-20")
    assert said["book"] != "house-2020-01"


def test_a_dry_run_decides_and_writes_nothing(finance: Caller, trader: Caller, house: House) -> None:
    before = house.written()
    said = body(finance.post(ENTRIES, top_up(trader.user, "1.00"), key=None, dry_run="true"))
    assert said["book"] == trader.user
    assert said["entry"]["postings"] == [posting(BANK, "1.00"), posting(wallet(trader.user), "-1.00")]
    refused = finance.post(ENTRIES, take(trader.user, "1.00"), key=None, dry_run="true")
    problem(refused, 409, "insufficient_funds")
    assert house.written() == before


def test_a_refusal_says_the_numbers_that_led_to_it(finance: Caller, trader: Caller) -> None:
    body(finance.post(ENTRIES, top_up(trader.user, "5.00")), 201)
    said = problem(finance.post(ENTRIES, take(trader.user, "5.01")), 409, "insufficient_funds")
    assert said["available"] == {"value": "5.00", "asset": "USD"}
    assert said["requested"] == {"value": "5.01", "asset": "USD"}
    assert said["account"] == wallet(trader.user)


@pytest.mark.parametrize(
    ("sent", "code", "pointer"),
    [
        (entry((BANK, "1.00"), (PSP, "-0.99")), "unbalanced", "/postings"),
        (capital(kind="deposit"), "kind_reserved", "/kind"),
        (capital(reference="0" * 32), "reference_reserved", "/reference"),
        (entry((BANK, "1.00"), ("liabilities:clearing:transfers", "-1.00")), "account_reserved", "/postings/1/account"),
        (
            entry(("memo:bonus:issued", "1.00"), ("memo:credits:issued", "-1.00")),
            "account_reserved",
            "/postings/0/account",
        ),
        (entry((BANK, "1.00"), ("assets:psp", "-1.00")), "unknown_account", "/postings/1/account"),
        (entry((BANK, "1.00"), ("savings:mine", "-1.00")), "unknown_account", "/postings/1/account"),
        (entry((wallet("a" * 32), "1.00"), (wallet("b" * 32), "-1.00")), "one_book_per_entry", "/postings"),
        (capital(amount="1.001"), "too_many_decimals", "/postings/0/amount"),
        (capital(asset="DOUBLOON"), "unknown_asset", "/postings/0/asset"),
        (capital(note="two\nlines"), "malformed_entry", "/note"),
        (capital(metadata={"k": "\x00"}), "malformed_entry", "/metadata/k"),
    ],
)
def test_what_the_request_alone_shows_is_422_and_leaves_no_receipt(
    *, finance: Caller, house: House, sent: dict[str, Any], code: str, pointer: str
) -> None:
    before = house.written()
    assert pointer in pointers(problem(finance.post(ENTRIES, sent, key="twice"), 422, code))
    assert house.written() == before
    body(finance.post(ENTRIES, entry((BANK, "1.00"), ("equity:owner", "-1.00")), key="twice"), 201)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (capital(effective_at="2100-01-01T00:00:00Z"), "effective_in_future"),
        (top_up("0" * 32, "1.00"), "unknown_account_owner"),
    ],
)
def test_what_needs_state_is_409_and_as_final_as_a_success(finance: Caller, sent: dict[str, Any], code: str) -> None:
    first = finance.post(ENTRIES, sent, key="one")
    again = finance.post(ENTRIES, sent, key="one")
    said, repeated = problem(first, 409, code), problem(again, 409, code)
    assert {**said, "request_id": ""} == {**repeated, "request_id": ""}
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert int(first.headers["X-Log-Position"]) > 0


def test_a_reference_is_good_once_per_kind(finance: Caller) -> None:
    body(finance.post(ENTRIES, capital(reference="17")), 201)
    body(finance.post(ENTRIES, capital(reference="17", kind="other")), 201)
    problem(finance.post(ENTRIES, capital(reference="17")), 409, "duplicate_reference")


def test_what_is_owed_is_collected_before_money_is_available(finance: Caller, trader: Caller) -> None:
    debt = f"assets:receivable:users:{trader.user}"
    body(finance.post(ENTRIES, entry((debt, "4.00"), (BANK, "-4.00"))), 201)
    problem(finance.post(ENTRIES, top_up(trader.user, "1.00")), 409, "receivable_open")
    collected = entry((BANK, "10.00"), (debt, "-4.00"), (wallet(trader.user), "-6.00"))
    body(finance.post(ENTRIES, collected), 201)


def test_a_reversal_negates_an_entry_once(finance: Caller, trader: Caller) -> None:
    posted = body(finance.post(ENTRIES, top_up(trader.user, "3.00")), 201)
    path = f"{ENTRIES}/{posted['id']}/reverse"
    answer = finance.post(path, {"note": "typing error"})
    reversal = body(answer, 201)
    assert reversal["entry"]["reverses"] == posted["id"]
    assert reversal["entry"]["note"] == "typing error"
    amounts = [line["amount"] for line in reversal["entry"]["postings"]]
    assert amounts == ["-3.00", "3.00"]
    assert body(finance.get(f"{ENTRIES}/{posted['id']}", after=answer))["reversed_by"] == reversal["id"]
    problem(finance.post(path, {}), 409, "already_reversed")
    problem(finance.post(f"{ENTRIES}/{reversal['id']}/reverse", {}), 409, "entry_owned_by_flow")
    problem(finance.post(f"{ENTRIES}/{'0' * 32}/reverse", {}), 404, "unknown_entry")


def test_a_reversal_asks_the_guards(finance: Caller, trader: Caller) -> None:
    posted = body(finance.post(ENTRIES, top_up(trader.user, "3.00")), 201)
    body(finance.post(ENTRIES, take(trader.user, "1.00")), 201)
    problem(finance.post(f"{ENTRIES}/{posted['id']}/reverse", {}), 409, "insufficient_funds")


def test_a_bulk_posts_all_entries_or_none(finance: Caller, trader: Caller, house: House) -> None:
    answer = finance.post(f"{ENTRIES}/bulk", {"entries": [top_up(trader.user, "1.00"), take(trader.user, "0.40")]})
    results = body(answer, 201)["results"]
    assert [result["index"] for result in results] == [0, 1]
    for result in results:
        body(finance.get(f"{ENTRIES}/{result['id']}", after=answer))
    receipts = house.installation.office.sql("SELECT count(*) FROM log.receipts WHERE tenant = %s AND actor = %s",
                                             house.tenant, finance.user)  # fmt: skip
    assert receipts == [(1,)]
    refused = finance.post(f"{ENTRIES}/bulk", {"entries": [top_up(trader.user, "1.00"), take(trader.user, "9.00")]})
    assert pointers(problem(refused, 409, "insufficient_funds")) == ["/entries/1"]
    assert body(trader.get("balances", after=answer))["balances"] == [own("real", "0.60")]


def test_a_bulk_that_is_not_atomic_says_of_each_entry_what_became_of_it(finance: Caller, trader: Caller) -> None:
    sent = [
        top_up(trader.user, "1.00"),
        take(trader.user, "9.00"),
        entry((BANK, "1.00"), (PSP, "-2.00")),
        capital(asset="DOUBLOON"),
        top_up(trader.user, "2.00"),
    ]
    answer = finance.post(f"{ENTRIES}/bulk", {"entries": sent, "atomic": False}, key="bulk")
    results = body(answer)["results"]
    assert [result["index"] for result in results] == [0, 1, 2, 3, 4]
    codes = [result.get("problem", {}).get("code") for result in results]
    assert codes == [None, "insufficient_funds", "unbalanced", "unknown_asset", None]
    assert results[1]["problem"]["available"] == {"value": "1.00", "asset": "USD"}
    assert pointers(results[2]["problem"]) == ["/postings"]
    again = finance.post(f"{ENTRIES}/bulk", {"entries": sent, "atomic": False}, key="bulk")
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (answer.json(), "true")
    assert body(trader.get("balances", after=answer))["balances"] == [own("real", "3.00")]


@pytest.mark.parametrize("count", [0, 1_001])
def test_a_bulk_has_one_to_a_thousand_entries(finance: Caller, count: int) -> None:
    answer = finance.post(f"{ENTRIES}/bulk", {"entries": [capital()] * count})
    assert pointers(problem(answer, 422, "invalid_request")) == ["/entries"]


def test_a_full_bulk_is_posted(finance: Caller) -> None:
    results = body(finance.post(f"{ENTRIES}/bulk", {"entries": [capital()] * 1_000}), 201)["results"]
    assert len({result["id"] for result in results}) == 1_000


def test_entries_are_found_by_account_kind_reference_and_time(finance: Caller, trader: Caller) -> None:
    def listed(**wanted: str) -> list[str]:
        return [one["id"] for one in items(finance.get(ENTRIES, after=last, **wanted))]

    old = body(finance.post(ENTRIES, capital(effective_at="2020-01-01T00:00:00Z")), 201)["id"]
    named = body(finance.post(ENTRIES, capital(kind="capital", reference="19")), 201)["id"]
    last = finance.post(ENTRIES, top_up(trader.user, "1.00"))
    newest = body(last, 201)["id"]
    assert listed() == [newest, named, old]
    assert listed(account=wallet(trader.user)) == [newest]
    assert listed(kind="capital") == [named]
    assert listed(reference="19") == [named]
    assert listed(from_="2020-01-01T00:00:00Z", to="2020-01-01T00:00:01Z") == [old]
    assert listed(to="2020-01-01T00:00:00Z") == []


def test_an_account_exists_from_its_first_posting(finance: Caller) -> None:
    problem(finance.get(f"ledger/accounts/{PSP}/balances"), 404, "unknown_account")
    problem(finance.get(f"ledger/accounts/{PSP}/statement"), 404, "unknown_account")
    last = finance.post(ENTRIES, entry((PSP, "2.50"), (BANK, "-2.50")))
    said = body(finance.get(f"ledger/accounts/{PSP}/balances", after=last))
    assert said == {"account": PSP, "normal_side": "debit", "balances": [{"asset": "USD", "amount": "2.50"}]}


def test_balances_are_debit_positive_and_say_their_normal_side(finance: Caller, trader: Caller) -> None:
    last = finance.post(ENTRIES, top_up(trader.user, "2.00"))
    said = body(finance.get(f"ledger/accounts/{wallet(trader.user)}/balances", after=last))
    assert (said["normal_side"], said["balances"]) == ("credit", [{"asset": "USD", "amount": "-2.00"}])


def test_balances_answer_as_of_an_accounting_time_and_as_known_at_a_time_of_the_log(finance: Caller) -> None:
    def balance(**moment: str) -> list[dict[str, str]]:
        found: list[dict[str, str]] = body(finance.get(f"ledger/accounts/{BANK}/balances", after=last, **moment))[
            "balances"
        ]
        return found

    first = finance.post(ENTRIES, capital("1.00", effective_at="2020-01-01T00:00:00Z"))
    one = body(first, 201)["id"]
    known = body(finance.get(f"{ENTRIES}/{one}", after=first))["recorded_at"]
    last = finance.post(ENTRIES, capital("10.00", effective_at="2020-06-01T00:00:00Z"))
    assert balance() == [{"asset": "USD", "amount": "11.00"}]
    assert balance(as_of="2020-01-01T00:00:00Z") == [{"asset": "USD", "amount": "1.00"}]
    assert balance(as_of="2019-12-31T23:59:59Z") == [{"asset": "USD", "amount": "0.00"}]
    assert balance(known_at=known) == [{"asset": "USD", "amount": "1.00"}]
    assert balance(known_at=known, as_of="2019-01-01T00:00:00Z") == [{"asset": "USD", "amount": "0.00"}]


def test_accounts_are_listed_by_prefix(finance: Caller, trader: Caller) -> None:
    finance.post(ENTRIES, entry((PSP, "2.50"), (BANK, "-2.50")))
    last = finance.post(ENTRIES, top_up(trader.user, "1.00"))
    listed = items(finance.get("ledger/accounts", after=last, prefix="assets:"))
    assert [one["account"] for one in listed] == [BANK, PSP]
    assert listed[0]["balances"] == [{"asset": "USD", "amount": "-1.50"}]
    assert items(finance.get("ledger/accounts", after=last, prefix="expenses")) == []


def test_a_statement_runs_from_opening_to_closing_on_the_normal_side(finance: Caller, trader: Caller) -> None:
    finance.post(ENTRIES, top_up(trader.user, "5.00", effective_at="2020-01-01T00:00:00Z"))
    finance.post(ENTRIES, take(trader.user, "2.00", effective_at="2020-02-01T00:00:00Z"))
    last = finance.post(ENTRIES, top_up(trader.user, "1.00", effective_at="2020-03-01T00:00:00Z"))
    path = f"ledger/accounts/{wallet(trader.user)}/statement"
    whole = body(finance.get(path, after=last))
    assert [(line["amount"]["value"], line["balance"]["value"]) for line in whole["items"]] == [
        ("5.00", "5.00"), ("-2.00", "3.00"), ("1.00", "4.00"),
    ]  # fmt: skip
    assert whole["closing"] == [{"value": "4.00", "asset": "USD"}]
    part = body(finance.get(path, after=last, from_="2020-02-01T00:00:00Z", limit=1))
    assert part["opening"] == [{"value": "5.00", "asset": "USD"}]
    rest = body(finance.get(path, from_="2020-02-01T00:00:00Z", limit=1, cursor=part["next_cursor"]))
    assert rest["opening"] == part["closing"] == [{"value": "3.00", "asset": "USD"}]
    assert (rest["closing"], rest["next_cursor"]) == (whole["closing"], None)


def test_the_trial_balance_adds_up_to_nothing_per_asset_and_realm(finance: Caller, trader: Caller) -> None:
    opened = trader.post("connections", {"venue": "paper", "start": {"value": "100", "asset": "USDT"}})
    body(opened, 201)
    last = finance.post(ENTRIES, top_up(trader.user, "5.00"))
    for moment in ({}, {"as_of": "2100-01-01T00:00:00Z"}):
        answer = finance.get("ledger/trial-balance", after=last, **moment)
        said = body(answer)
        assert said.keys() == {"log_position", "as_of", "known_at", "rows", "totals"}
        assert said["log_position"] == int(answer.headers["X-Log-Position"])
        bank = next(row for row in said["rows"] if row["account"] == BANK)
        assert bank.items() >= {"class": "assets", "asset": "USD", "debit": "5.00", "credit": "0.00"}.items()
        totals = {(total["realm"], total["asset"]): total for total in said["totals"]}
        assert totals.keys() == {("company", "USD"), ("portfolio", "USDT")}
        for total in totals.values():
            assert total["debit"] == total["credit"]
            assert float(total["difference"]) == 0


def test_own_balances_are_on_the_normal_side_and_own_transactions_show_own_lines(
    finance: Caller, trader: Caller, house: House
) -> None:
    viewer = house.person(Role.VIEWER)
    finance.post(ENTRIES, top_up(trader.user, "5.00"))
    last = finance.post(ENTRIES, top_up(viewer.user, "7.00"))
    assert body(trader.get("balances", after=last)) == {"balances": [own("real", "5.00")]}
    assert body(viewer.get("balances", after=last)) == {"balances": [own("real", "7.00")]}
    (mine,) = items(trader.get("transactions", after=last))
    assert mine["postings"] == [posting(wallet(trader.user), "-5.00")]


def test_an_entry_of_another_tenant_is_unknown(finance: Caller, house: House) -> None:
    stranger = house.installation.a_house().finance
    last = finance.post(ENTRIES, entry((PSP, "1.00"), (BANK, "-1.00")))
    posted = body(last, 201)["id"]
    problem(stranger.get(f"{ENTRIES}/{posted}", after=last), 404, "unknown_entry")
    problem(stranger.post(f"{ENTRIES}/{posted}/reverse", {}), 404, "unknown_entry")
    problem(stranger.get(f"ledger/accounts/{PSP}/balances", after=last), 404, "unknown_account")
    assert items(stranger.get(ENTRIES, after=last)) == []
    assert items(stranger.get("ledger/accounts", after=last)) == []
    assert body(stranger.get("ledger/trial-balance", after=last))["rows"] == []


def own(bucket: str, value: str) -> dict[str, str]:
    return {"bucket": bucket, "state": "available", "value": value, "asset": "USD"}


def test_every_answer_carries_a_log_position(finance: Caller, nobody: Caller) -> None:
    answers: list[httpx.Response] = [
        finance.get("assets"),
        finance.get("me"),
        finance.get(ENTRIES),
        finance.get("ledger/trial-balance"),
        finance.post(ENTRIES, capital()),
        finance.post(ENTRIES, capital(effective_at="2100-01-01T00:00:00Z")),
    ]
    assert all(int(answer.headers["X-Log-Position"]) > 0 for answer in answers)
    assert nobody.get("/health/live").status_code == 200
