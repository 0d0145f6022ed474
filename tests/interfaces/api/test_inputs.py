"""Bad input gets the documented status and a problem that names the field, and nothing is written."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.interfaces.api.answers import body, pointers, problem
from tests.interfaces.api.callers import Caller
from tests.interfaces.api.entries import BANK, capital, entry, posting
from tests.interfaces.api.installation import House

ENTRIES = "ledger/entries"
KEY = {"Idempotency-Key": "k"}
JSON = {**KEY, "Content-Type": "application/json"}

NO_AMOUNTS = {
    "a NaN": '"NaN"',
    "a bare NaN": "NaN",
    "infinity": '"Infinity"',
    "bare infinity": "Infinity",
    "minus infinity": '"-Infinity"',
    "an exponent": '"1e3"',
    "a bare exponent": "1e3",
    "true": "true",
    "true as text": '"true"',
    "a float": "1.5",
    "a float that is whole": "5.0",
    "an integer": "5",
    "null": "null",
    "a list": '["1.00"]',
    "an object": '{"value": "1.00", "asset": "USD"}',
    "nothing": '""',
    "a space": '" "',
    "spaces around": '" 1.00 "',
    "a line feed at the end": '"1.00\\n"',
    "zero": '"0"',
    "zero with decimals": '"0.00"',
    "minus zero": '"-0"',
    "minus zero with decimals": '"-0.000"',
    "a plus": '"+1.00"',
    "two minuses": '"--1"',
    "a leading zero": '"01.00"',
    "no digit before the point": '".5"',
    "no digit after the point": '"5."',
    "a comma": '"1,00"',
    "an underscore": '"1_000"',
    "hexadecimal": '"0x10"',
    "nineteen decimals": '"0.1234567890123456789"',
    "ten to the forty": '"1' + "0" * 40 + '"',
    "twenty-one digits": '"1' + "0" * 20 + '"',
    "full-width digits": '"１２"',  # noqa: RUF001 - that is the point
    "Arabic digits": '"١٢"',
    "a NUL": '"1\\u0000"',
    "half a surrogate pair": '"\\ud800"',
}


def raw(amount: str) -> str:
    """Return an entry whose first amount is a piece of JSON as it stands."""
    whole = json.dumps(entry((BANK, "AMOUNT"), ("equity:owner", "-1.00")))
    return whole.replace('"AMOUNT"', amount)


@pytest.mark.parametrize("amount", NO_AMOUNTS.values(), ids=NO_AMOUNTS.keys())
@pytest.mark.parametrize("path", ["", "?dry_run=true", "/bulk"])
def test_what_is_no_amount_is_refused_by_name_and_nothing_is_written(
    *, finance: Caller, house: House, amount: str, path: str
) -> None:
    before, sent, good = house.written(), raw(amount), json.dumps(capital())
    content = f'{{"entries": [{good}, {sent}]}}' if path == "/bulk" else sent
    answer = finance.send("POST", ENTRIES + path, content=content.encode(), headers=JSON)
    named = pointers(problem(answer, 422, "invalid_request"))
    assert named[0] == f"{'/entries/1' if path == '/bulk' else ''}/postings/0/amount"
    assert house.written() == before


@pytest.mark.parametrize("amount", ["1", "1.0", "1.00", "12345678901234567890.12"])
def test_fewer_decimals_than_the_asset_has_are_an_amount(finance: Caller, amount: str) -> None:
    body(finance.post(ENTRIES, capital(amount)), 201)


def test_more_decimals_than_the_asset_has_are_refused_never_rounded(finance: Caller) -> None:
    answer = finance.post(ENTRIES, capital("1.005"))
    assert pointers(problem(answer, 422, "too_many_decimals")) == ["/postings/0/amount"]


def test_an_amount_is_below_ten_to_the_thirty_smallest_units(finance: Caller) -> None:
    answer = finance.post(ENTRIES, capital("1000000000000", asset="BTC"))
    assert pointers(problem(answer, 422, "amount_too_large")) == ["/postings/0/amount"]
    body(finance.post(ENTRIES, capital("999999999999.999999999999999999", asset="BTC")), 201)


WRONG_ENTRIES: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown field": (capital(colour="red"), "/colour"),
    "an unknown field of a posting": (
        {"kind": "k", "postings": [posting(BANK, "1") | {"memo": ""}, posting(BANK, "-1")]}, "/postings/0/memo",
    ),
    "no kind": ({"postings": capital()["postings"]}, "/kind"),
    "a kind in capitals": (capital(kind="Top_Up"), "/kind"),
    "a long kind": (capital(kind="k" * 41), "/kind"),
    "one posting": ({"kind": "k", "postings": [posting(BANK, "1")]}, "/postings"),
    "too many postings": ({"kind": "k", "postings": [posting(BANK, "1"), posting(BANK, "-1")] * 101}, "/postings"),
    "an empty reference": (capital(reference=""), "/reference"),
    "a long reference": (capital(reference="r" * 129), "/reference"),
    "a long note": (capital(note="n" * 257), "/note"),
    "too much metadata": (capital(metadata={str(n): "" for n in range(17)}), "/metadata"),
    "metadata that is no text": (capital(metadata={"n": 1}), "/metadata/n"),
    "a time without an offset": (capital(effective_at="2026-01-01T00:00:00"), "/effective_at"),
    "a date": (capital(effective_at="2026-01-01"), "/effective_at"),
    "a number for a time": (capital(effective_at=1_700_000_000), "/effective_at"),
    "a number as text for a time": (capital(effective_at="1700000000"), "/effective_at"),
    "no such day": (capital(occurred_at="2026-02-30T00:00:00Z"), "/occurred_at"),
    "before the first year": (capital(occurred_at="0001-01-01T00:00:00+01:00"), "/occurred_at"),
    "after the last year": (capital(occurred_at="9999-12-31T23:59:59-01:00"), "/occurred_at"),
    "an account in capitals": (entry(("assets:Bank:client:x", "1"), (BANK, "-1")), "/postings/0/account"),
    "an account of one segment": (entry(("assets", "1"), (BANK, "-1")), "/postings/0/account"),
    "an account of nine segments": (entry(("assets" + ":x" * 8, "1"), (BANK, "-1")), "/postings/0/account"),
    "a long segment": (entry(("assets:bank:client:" + "x" * 65, "1"), (BANK, "-1")), "/postings/0/account"),
    "an account that is a list": (entry(([BANK], "1"), (BANK, "-1")), "/postings/0/account"),
    "an asset in small letters": (capital(asset="usd"), "/postings/0/asset"),
    "a long asset": (capital(asset="X" * 21), "/postings/0/asset"),
}  # fmt: skip


@pytest.mark.parametrize(("sent", "pointer"), WRONG_ENTRIES.values(), ids=WRONG_ENTRIES.keys())
def test_an_entry_that_breaks_its_form_is_refused_by_field(
    *, finance: Caller, house: House, sent: dict[str, Any], pointer: str
) -> None:
    before = house.written()
    assert pointer in pointers(problem(finance.post(ENTRIES, sent), 422, "invalid_request"))
    assert house.written() == before


@pytest.mark.parametrize("name", ["\ud800", "a/b", "a~b", "", "\x00", "x" * 10_000])
def test_a_field_of_any_name_is_pointed_at(finance: Caller, name: str) -> None:
    content = json.dumps({**capital(), name: 1}).encode()
    answer = finance.send("POST", ENTRIES, content=content, headers=JSON)
    assert len(problem(answer, 422, "invalid_request")["errors"]) == 1


def test_no_body_at_all_is_422(finance: Caller) -> None:
    problem(finance.send("POST", ENTRIES, headers=JSON), 422, "invalid_request")


UNREADABLE = {
    "half an object": b'{"kind": "top_up"',
    "text": b"hello",
    "two objects": b"{} {}",
    "a single quote": b"{'kind': 'top_up'}",
    "a comment": b"{} // no",
    "a comma too many": b'{"kind": "top_up",}',
    "no UTF-8": b'{"kind": "\xff"}',
    "very deep": b'{"kind":' * 100_000,
    "a very long number": b'{"kind": ' + b"9" * 100_000 + b"}",
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_body_that_is_not_readable_as_json_is_400(finance: Caller, house: House, content: bytes) -> None:
    before = house.written()
    answer = finance.send("POST", ENTRIES, content=content, headers=JSON)
    problem(answer, 400, "unreadable_json")
    assert house.written() == before


@pytest.mark.parametrize("content", [b"[]", b'"text"', b"5", b"null", b"true"])
def test_a_body_that_is_no_object_is_422(finance: Caller, content: bytes) -> None:
    problem(finance.send("POST", ENTRIES, content=content, headers=JSON), 422, "invalid_request")


def test_a_key_that_comes_twice_is_refused(finance: Caller, house: House) -> None:
    before = house.written()
    twice = b'{"kind": "top_up", ' + json.dumps(capital()).encode()[1:]
    answer = finance.send("POST", ENTRIES, content=twice, headers=JSON)
    assert answer.status_code in {400, 422}
    assert house.written() == before


def chunks(size: int) -> Iterator[bytes]:
    """Send a body piece by piece, without saying how long it is."""
    for _ in range(size // 65_536):
        yield b" " * 65_536


@pytest.mark.parametrize(("path", "megabytes"), [("", 2), ("/bulk", 9), ("?dry_run=true", 2)])
def test_a_body_beyond_the_limit_is_413_whether_it_says_its_length_or_not(
    *, finance: Caller, house: House, path: str, megabytes: int
) -> None:
    before, size = house.written(), megabytes * 1024 * 1024
    for content in (b" " * size, chunks(size)):
        answer = finance.send("POST", ENTRIES + path, content=content, headers=JSON)
        problem(answer, 413, "body_too_large")
    assert house.written() == before


def test_a_bulk_may_have_up_to_eight_megabytes(finance: Caller) -> None:
    content = json.dumps({"entries": [capital()]}).encode() + b" " * (7 * 1024 * 1024)
    body(finance.send("POST", f"{ENTRIES}/bulk", content=content, headers=JSON), 201)


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""])
def test_a_body_of_another_type_is_415(finance: Caller, house: House, content_type: str) -> None:
    before = house.written()
    content = json.dumps(capital()).encode()
    answer = finance.send("POST", ENTRIES, content=content, headers={**KEY, "Content-Type": content_type})
    problem(answer, 415, "unsupported_media_type")
    assert house.written() == before


def test_json_with_a_charset_is_json(finance: Caller) -> None:
    headers = {**KEY, "Content-Type": "application/json; charset=utf-8"}
    body(finance.send("POST", ENTRIES, content=json.dumps(capital()).encode(), headers=headers), 201)


def test_no_such_path_and_no_such_method_are_problems(finance: Caller) -> None:
    problem(finance.get("ledger/nothing"), 404, "not_found")
    problem(finance.get("/"), 404, "not_found")
    refused = finance.send("DELETE", ENTRIES)
    problem(refused, 405, "method_not_allowed")
    assert refused.headers["Allow"]


@pytest.mark.parametrize("id_", ["x", "A" * 32, "0" * 31, "0" * 33, "０" * 32])  # noqa: RUF001 - that is the point
def test_what_is_no_id_is_422_by_name(finance: Caller, id_: str) -> None:
    assert pointers(problem(finance.get(f"{ENTRIES}/{id_}"), 422, "invalid_request")) == ["path:id"]


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 501}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": "1" * 5_000}, "limit"),
        ({"cursor": "x" * 4_097}, "cursor"),
        ({"min_log_position": -1}, "min_log_position"),
        ({"min_log_position": 2**63}, "min_log_position"),
        ({"from_": "yesterday"}, "from"),
        ({"to": "2026-01-01T00:00:00"}, "to"),
        ({"account": "nowhere"}, "account"),
        ({"kind": "K"}, "kind"),
        ({"reference": ""}, "reference"),
        ({"reference": "\x00"}, "reference"),
    ],
)
def test_a_parameter_that_breaks_its_form_is_422_by_name(
    finance: Caller, parameters: dict[str, Any], name: str
) -> None:
    assert pointers(problem(finance.get(ENTRIES, **parameters), 422, "invalid_request")) == [f"query:{name}"]


@pytest.mark.parametrize(
    ("sent", "code", "pointer"),
    [
        ({"venue": "paper", "start": {"value": "0", "asset": "USDT"}}, "invalid_request", "/start/value"),
        ({"venue": "paper", "start": {"value": "-1", "asset": "USDT"}}, "invalid_request", "/start/value"),
        ({"venue": "paper", "start": {"value": 1, "asset": "USDT"}}, "invalid_request", "/start/value"),
        ({"venue": "paper", "start": {"value": "1", "asset": "DOUBLOON"}}, "unknown_asset", "/start/asset"),
        ({"venue": "paper", "start": {"value": "1" + "0" * 19, "asset": "USDT"}}, "amount_too_large", "/start/value"),
        ({"venue": "paper", "start": {"value": "1", "asset": "CREDIT"}}, None, None),
        ({"venue": "binance", "start": {"value": "1", "asset": "USDT"}}, "unknown_venue", "/venue"),
        ({"venue": "paper"}, "invalid_request", "/start"),
        ({"venue": "paper", "start": "1 USDT"}, "invalid_request", "/start"),
    ],
)  # fmt: skip
def test_a_connection_that_cannot_be_is_refused_by_field(
    *, trader: Caller, house: House, sent: dict[str, Any], code: str | None, pointer: str | None
) -> None:
    before = house.written()
    answer = trader.post("connections", sent)
    said = problem(answer, 422, code or answer.json()["code"])
    assert pointer is None or pointer in pointers(said)
    assert house.written() == before


ORDER: dict[str, Any] = {"connection": "0" * 32, "instrument": "btc-usdt", "side": "buy", "type": "market"}


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({}, "invalid_request", ""),
        ({"quantity": "1", "quote_amount": "1"}, "invalid_request", ""),
        ({"quantity": 1}, "invalid_request", "/quantity"),
        ({"quantity": "0"}, "invalid_request", "/quantity"),
        ({"quantity": "-1"}, "invalid_request", "/quantity"),
        ({"quote_amount": "1e3"}, "invalid_request", "/quote_amount"),
        ({"quantity": "1", "side": "hold"}, "invalid_request", "/side"),
        ({"quantity": "1", "type": "limit"}, "invalid_request", "/type"),
        ({"quantity": "1", "connection": "mine"}, "invalid_request", "/connection"),
        ({"quantity": "1", "price": "1"}, "invalid_request", "/price"),
        ({"quantity": "1", "instrument": "BTC/USDT"}, "invalid_instrument", "/instrument"),
        ({"quantity": "1", "instrument": "btc-btc"}, "invalid_instrument", "/instrument"),
        ({"quantity": "1", "instrument": "btc-doubloon"}, "unknown_asset", "/instrument"),
        ({"quantity": "1" + "0" * 19}, "amount_too_large", "/quantity"),
        ({"quantity": "1", "occurred_at": "2026-01-01"}, "invalid_request", "/occurred_at"),
    ],
)
def test_an_order_that_cannot_be_is_refused_by_field(
    *, trader: Caller, house: House, changes: dict[str, Any], code: str, pointer: str
) -> None:
    before = house.written()
    assert pointer in pointers(problem(trader.post("orders", ORDER | changes), 422, code))
    assert house.written() == before
