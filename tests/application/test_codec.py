"""The codec is strict, knows every stored name, and reads what it wrote; old names are read through their upcasters."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import PydanticSerializationError, from_json, to_json

from application.codec import CODEC, EVENTS, CannotDecode, Codec, decode, encode, event_id_of, recall
from application.upcasters import UPCASTERS, Fact, Upcaster
from domain.days import DayEnded
from domain.ledger.entry import EntryPosted
from domain.orders.events import OrderAccepted
from tests.domain.ledger.entries import ENTRY, NOW, entry

CORPUS = Path(__file__).parents[1] / "fixtures" / "events"


def corpus() -> dict[str, list[Fact]]:
    return {path.name.removesuffix(".json"): json.loads(path.read_text()) for path in sorted(CORPUS.iterdir())}


EXAMPLES = [(name, number, fact) for name, facts in corpus().items() for number, fact in enumerate(facts)]


def test_the_corpus_has_an_example_of_every_name_there_ever_was() -> None:
    assert set(corpus()) == set(EVENTS) | set(UPCASTERS)
    assert all(corpus().values())


@pytest.mark.parametrize(("name", "number", "fact"), EXAMPLES, ids=[f"{name}-{number}" for name, number, _ in EXAMPLES])
def test_every_example_of_the_corpus_is_read(name: str, number: int, fact: Fact) -> None:
    event = decode(name, to_json(fact))
    assert type(event) in EVENTS.values()
    if name in EVENTS:
        again, written = encode(event)
        assert (again, holds(from_json(written), fact)) == (name, True), f"example {number} is written as {written!r}"


@pytest.mark.parametrize(("name", "number", "fact"), EXAMPLES, ids=[f"{name}-{number}" for name, number, _ in EXAMPLES])
def test_a_stored_event_is_recalled_as_it_is_decoded(name: str, number: int, fact: Fact) -> None:
    recalled, decoded = recall(name, to_json(fact)), decode(name, to_json(fact))
    assert recalled == decoded, f"example {number}"
    assert encode(recalled) == encode(decoded)


def holds(written: object, fact: object) -> bool:
    """Tell whether a fact is written as it was read; what has become an optional field since may be there besides."""
    if isinstance(written, dict) and isinstance(fact, dict):
        return all(key in written and holds(written[key], value) for key, value in fact.items())
    if isinstance(written, list) and isinstance(fact, list):
        return len(written) == len(fact) and all(holds(*pair) for pair in zip(written, fact, strict=True))
    return written == fact and type(written) is type(fact)


def test_the_examples_of_positions_add_up() -> None:
    """cost = value + realised for what opens or closes; a part beyond the position changes neither."""
    parts = [part for _, _, fact in EXAMPLES for part in (*fact.get("parts", ()), *fact.get("fee_parts", ()))]
    assert parts
    for part in parts:
        value, cost, realised = (_units(part[field]["value"]) for field in ("value", "cost", "realised"))
        assert cost == (0 if part["effect"] == "beyond" else value + realised)


def _units(text: str) -> int:
    return int(text.replace(".", ""))


def test_an_unknown_name_cannot_be_decoded() -> None:
    with pytest.raises(CannotDecode, match="unknown event name"):
        decode("user.registered.v2", b"{}")


AMOUNT = {"value": "1.00", "asset": "USD"}
STRICT: dict[str, tuple[str, tuple[str | int, ...], Any]] = {
    "true for a quantity": ("ledger.entry_posted.v1", ("entry", "postings", 0, "amount"), True),
    "5.0 for a quantity": ("ledger.entry_posted.v1", ("entry", "postings", 0, "amount"), 100.0),
    "a whole number for a quantity": ("ledger.entry_posted.v1", ("entry", "postings", 0, "amount"), 100),
    "an exponent": ("ledger.entry_posted.v1", ("entry", "postings", 0, "amount"), "1e2"),
    "NaN": ("ledger.entry_posted.v1", ("entry", "postings", 0, "amount"), "NaN"),
    "Infinity": ("ledger.entry_posted.v1", ("entry", "postings", 0, "amount"), "Infinity"),
    "null for a quantity": ("ledger.entry_posted.v1", ("entry", "postings", 0, "amount"), None),
    "an empty quantity": ("ledger.entry_posted.v1", ("entry", "postings", 0, "amount"), ""),
    "a plus sign": ("ledger.entry_posted.v1", ("entry", "postings", 0, "amount"), "+100.00"),
    "a leading zero": ("ledger.entry_posted.v1", ("entry", "postings", 0, "amount"), "0100.00"),
    "a leading point": ("ledger.entry_posted.v1", ("entry", "postings", 0, "amount"), ".10"),
    "a trailing point": ("ledger.entry_posted.v1", ("entry", "postings", 0, "amount"), "100."),
    "a line feed behind": ("ledger.entry_posted.v1", ("entry", "postings", 0, "amount"), "100.00\n"),
    "a space before": ("ledger.entry_posted.v1", ("entry", "postings", 0, "amount"), " 100.00"),
    "an underscore": ("ledger.entry_posted.v1", ("entry", "postings", 0, "amount"), "1_00.00"),
    "full-width digits": ("ledger.entry_posted.v1", ("entry", "postings", 0, "amount"), "\uff11\uff10\uff10.00"),
    "19 decimals": ("connection.opened.v1", ("start", "value"), "1.0000000000000000000"),
    "minus zero": ("position.filled.v1", ("fee_of_closed", "value"), "-0.000000000000000000"),
    "minus zero without decimals": ("position.filled.v1", ("fee_of_closed", "value"), "-0"),
    "a number for money": ("connection.opened.v1", ("start",), 10_000),
    "a small letter in an asset": ("connection.opened.v1", ("start", "asset"), "usd"),
    "a field more in money": ("connection.opened.v1", ("start", "note"), "x"),
    "true for a number": ("asset.registered.v1", ("company_scale",), True),
    "5.0 for a number": ("asset.registered.v1", ("company_scale",), 5.0),
    "text for a number": ("asset.registered.v1", ("company_scale",), "5"),
    "1 for a boolean": ("tenant.created.v1", ("auto_approve",), 1),
    "text for a boolean": ("tenant.created.v1", ("auto_approve",), "true"),
    "a number for text": ("user.activated.v1", ("user",), 7),
    "null for text": ("user.activated.v1", ("user",), None),
    "an unknown word of a list": ("user.registered.v1", ("status",), "active"),
    "a number for a time": ("order.expired.v1", ("occurred_at",), 1_763_640_000),
    "a time without a zone": ("order.expired.v1", ("occurred_at",), "2026-11-20T12:00:00"),
    "a date for a time": ("order.expired.v1", ("occurred_at",), "2026-11-20"),
    "finer than a microsecond": ("order.expired.v1", ("occurred_at",), "2026-11-20T12:00:00.1234567Z"),
    "a time for a date": ("time.day_ended.v1", ("day",), "2026-11-19T00:00:00"),
    "a number in metadata": ("ledger.entry_posted.v1", ("entry", "metadata", "line"), 17),
    "an extra field": ("user.activated.v1", ("by",), "somebody"),
    "an extra field inside": ("ledger.entry_posted.v1", ("entry", "memo"), "x"),
    "an entry that does not balance": ("ledger.entry_posted.v1", ("entry", "postings", 0, "amount"), "100.01"),
    "an account that is none": ("ledger.entry_posted.v1", ("entry", "postings", 0, "account"), "liabilities:users"),
    "a posting of zero": ("ledger.entry_posted.v1", ("entry", "postings", 0, "amount"), "0.00"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "at", "value"), STRICT.values(), ids=STRICT.keys())
def test_what_is_not_exactly_the_fact_cannot_be_decoded(name: str, at: tuple[str | int, ...], value: object) -> None:
    fact = corpus()[name][0]
    decode(name, to_json(fact))
    with pytest.raises(CannotDecode):
        decode(name, json.dumps(changed(fact, at, value)).encode())


def changed(fact: Fact, at: tuple[str | int, ...], value: object) -> Fact:
    """Return a fact with another value at a place."""
    target: Any = fact
    for step in at[:-1]:
        target = target[step]
    target[at[-1]] = value
    return fact


@pytest.mark.parametrize("name", EVENTS)
def test_a_missing_field_without_default_cannot_be_decoded(name: str) -> None:
    fact, cls = corpus()[name][0], EVENTS[name]
    for field in fields(cls):
        lacking = to_json({key: value for key, value in fact.items() if key != field.name})
        if field.default is MISSING and field.default_factory is MISSING:
            with pytest.raises(CannotDecode):
                decode(name, lacking)
        else:
            decode(name, lacking)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b'"x"', b"{} {}", b'{"user":"\xff"}', b"NaN"])
def test_broken_json_cannot_be_decoded(data: bytes) -> None:
    with pytest.raises(CannotDecode):
        decode("user.activated.v1", data)


UNREADABLE = {case: STRICT[case] for case in (
    "text for a number", "1 for a boolean", "null for text", "an unknown word of a list", "a number for a time",
    "a time without a zone", "a number in metadata", "an extra field", "an extra field inside",
)}  # fmt: skip


@pytest.mark.parametrize(("name", "at", "value"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_is_not_recalled_either(name: str, at: tuple[str | int, ...], value: object) -> None:
    with pytest.raises(CannotDecode):
        recall(name, json.dumps(changed(corpus()[name][0], at, value)).encode())


@pytest.mark.parametrize("part", ["account", "asset", "amount"])
def test_a_posting_that_lacks_a_part_is_not_recalled(part: str) -> None:
    fact = corpus()["ledger.entry_posted.v1"][0]
    del fact["entry"]["postings"][0][part]
    with pytest.raises(CannotDecode):
        recall("ledger.entry_posted.v1", to_json(fact))


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null"])
def test_broken_json_and_unknown_names_are_not_recalled(data: bytes) -> None:
    with pytest.raises(CannotDecode):
        recall("user.activated.v1", data)
    with pytest.raises(CannotDecode):
        recall("user.renamed.v1", b"{}")


def test_whether_an_entry_balances_is_not_asked_again() -> None:
    name, at, value = STRICT["an entry that does not balance"]
    fact = changed(corpus()[name][0], at, value)
    assert recall(name, to_json(fact)).entry.postings[0].amount.format_full() == value
    with pytest.raises(CannotDecode):
        decode(name, to_json(fact))


def test_an_asset_is_decoded_at_the_scale_it_was_written_with() -> None:
    event = decode("connection.opened.v1", to_json(corpus()["connection.opened.v1"][0]))
    assert (event.start.units, event.start.asset.scale) == (10**22, 18)


def test_a_time_is_kept_to_the_microsecond_and_in_utc() -> None:
    fact = {"order": "o", "occurred_at": "2026-11-20T13:30:00.000001+01:30"}
    event = decode("order.expired.v1", to_json(fact))
    assert event.occurred_at.isoformat() == "2026-11-20T12:00:00.000001+00:00"


def test_an_event_of_a_wrong_type_is_not_written() -> None:
    wrong: Any = 7
    with pytest.raises(PydanticSerializationError):
        encode(OrderAccepted(order=wrong, venue_order=None, occurred_at=NOW))
    with pytest.raises(PydanticSerializationError):
        encode(DayEnded(day=wrong))


def test_every_stored_name_has_one_class_and_a_version_and_is_no_python_path() -> None:
    assert len(set(EVENTS.values())) == len(EVENTS)
    for name, cls in EVENTS.items():
        subject, fact, version = name.split(".")
        assert subject.isidentifier()
        assert fact.isidentifier()
        assert version[0] == "v"
        assert version[1:].isdecimal()
        assert CODEC.name_of(cls) == name
        assert is_dataclass(cls)


def test_an_entry_is_found_in_the_log_by_its_own_id_and_other_events_by_a_derived_one() -> None:
    posted = EntryPosted(entry=entry(), posted_at=NOW)
    assert event_id_of(posted, "c" * 32, 1) == ENTRY
    ended = DayEnded(day=NOW.date())
    ids = {event_id_of(ended, command, index) for command in ("c" * 32, "d" * 32) for index in (1, 2)}
    assert len(ids) == 4
    assert event_id_of(ended, "c" * 32, 1) in ids


# A family with a history, as there will be one day: v1 had cents of no currency, v2 a decimal, v3 has both.


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    order: str
    amount: str
    asset: str
    note: str = ""


def _decimal(fact: Fact) -> Fact:
    return {"order": fact["order"], "amount": f"{fact['cents'] // 100}.{fact['cents'] % 100:02}"}


def _with_asset(fact: Fact) -> Fact:
    return {**fact, "asset": "USD"}


FAMILY = Codec(
    {"test.paid.v3": Paid},
    {"test.paid.v1": Upcaster("test.paid.v2", _decimal), "test.paid.v2": Upcaster("test.paid.v3", _with_asset)},
)
HISTORY: Mapping[str, Fact] = {
    "test.paid.v1": {"order": "o1", "cents": 1205},
    "test.paid.v2": {"order": "o1", "amount": "12.05"},
    "test.paid.v3": {"order": "o1", "amount": "12.05", "asset": "USD"},
}


@pytest.mark.parametrize("name", HISTORY)
def test_every_version_of_a_family_is_read_as_the_newest(name: str) -> None:
    assert FAMILY.decode(name, to_json(HISTORY[name])) == Paid(order="o1", amount="12.05", asset="USD")


def test_only_the_newest_version_is_written() -> None:
    name, data = FAMILY.encode(Paid(order="o1", amount="12.05", asset="USD"))
    assert (name, from_json(data)) == ("test.paid.v3", {**HISTORY["test.paid.v3"], "note": ""})


def test_what_an_upcaster_makes_is_read_as_strictly_as_what_was_written() -> None:
    careless = Codec({"test.paid.v2": Paid}, {"test.paid.v1": Upcaster("test.paid.v2", lambda fact: fact)})
    with pytest.raises(CannotDecode, match=r"test\.paid\.v2"):
        careless.decode("test.paid.v1", to_json(HISTORY["test.paid.v1"]))
    with pytest.raises(CannotDecode, match=r"test\.paid\.v1"):
        FAMILY.decode("test.paid.v1", b"{")


def test_every_upcaster_leads_to_a_name_that_is_read() -> None:
    for name, upcaster in UPCASTERS.items():
        assert name not in EVENTS
        assert upcaster.successor in EVENTS or upcaster.successor in UPCASTERS
