"""Stored facts are read strictly, for ever, and only under the names they were stored by."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.codec import CODEC, EVENTS, CannotDecode, Codec
from application.upcasters import Fact, Upcaster
from dev.schemas import breaks, generated, published
from domain.ids import AccountPath, EntryId
from domain.ledger.entry import EntryPosted, JournalEntry, Posting
from domain.money import MAX_UNITS, Amount, Asset

AT = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
CORPUS = Path(__file__).resolve().parents[1] / "fixtures" / "events"


@pytest.mark.parametrize("name", EVENTS)
def test_every_stored_name_has_an_example_that_is_read_and_written_back_to_the_byte(name: str) -> None:
    stored = (CORPUS / f"{name}.json").read_bytes().rstrip(b"\n")
    assert CODEC.encode(CODEC.decode(name, stored)) == (name, stored)


def test_no_example_of_a_name_that_was_ever_stored_is_lost() -> None:
    assert {path.stem for path in CORPUS.glob("*.json")} >= set(EVENTS)
    for path in CORPUS.glob("*.json"):
        CODEC.decode(path.stem, path.read_bytes())


@pytest.mark.parametrize(
    "amount",
    ["true", "5.0", "1e3", "100", "NaN", "null", '"1e3"', '"NaN"', '"Infinity"', '"-0"', '"-0.00"', '"01.00"', '"1."',
     '".5"', '"+1.00"', '" 1.00"', '"\uff11.00"', '""'],
)  # fmt: skip
def test_what_is_no_decimal_string_is_refused_where_a_quantity_stands(amount: str) -> None:
    stored = (CORPUS / "ledger.entry_posted.v1.json").read_text()
    with pytest.raises(CannotDecode):
        CODEC.decode("ledger.entry_posted.v1", stored.replace('"100.00"', amount, 1).encode())


@pytest.mark.parametrize(
    "change", [{"extra": 1}, {"user": 5}, {"user": None}, {"roles": ["king"]}, {"status": "active"}]
)
def test_an_unknown_field_or_a_wrong_type_is_refused(change: dict[str, Any]) -> None:
    fact = json.loads((CORPUS / "user.registered.v1.json").read_text())
    with pytest.raises(CannotDecode):
        CODEC.decode("user.registered.v1", json.dumps(fact | change).encode())


def test_a_missing_field_is_refused() -> None:
    with pytest.raises(CannotDecode):
        CODEC.decode("user.activated.v1", b"{}")


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(CannotDecode):
        CODEC.decode("user.promoted.v1", b"{}")


def test_a_stored_entry_that_does_not_balance_is_no_entry() -> None:
    stored = (CORPUS / "ledger.entry_posted.v1.json").read_text()
    with pytest.raises(CannotDecode):
        CODEC.decode("ledger.entry_posted.v1", stored.replace('"100.00"', '"100.01"', 1).encode())


units = st.integers(min_value=1 - MAX_UNITS, max_value=MAX_UNITS - 1).filter(bool)
text = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=40)


@given(units=units, scale=st.integers(0, 18), note=text, pairs=st.dictionaries(text.filter(bool), text, max_size=3))
def test_an_entry_comes_back_as_it_was_written(*, units: int, scale: int, note: str, pairs: dict[str, str]) -> None:
    asset = Asset("X1", scale)
    account = AccountPath("assets:psp:test")
    postings = (Posting(account, Amount(units, asset)), Posting(account, Amount(-units, asset)))
    entry = JournalEntry(
        id=EntryId("0" * 32), kind="k", reference="r", occurred_at=AT, effective_at=AT, postings=postings, note=note,
        metadata=pairs,
    )  # fmt: skip
    event = EntryPosted(entry=entry, posted_at=AT)
    assert CODEC.decode(*CODEC.encode(event)) == event


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A fact whose form has changed twice: metres, then millimetres, then with the instrument."""

    millimetres: int
    instrument: str
    note: str | None = None


def _to_millimetres(fact: Fact) -> Fact:
    return {"millimetres": fact["metres"] * 1_000}


def _with_instrument(fact: Fact) -> Fact:
    return {**fact, "instrument": "unknown"}


FAMILY = Codec(
    {"test.measured.v3": Measured},
    {
        "test.measured.v1": Upcaster("test.measured.v2", _to_millimetres),
        "test.measured.v2": Upcaster("test.measured.v3", _with_instrument),
    },
)


@pytest.mark.parametrize(
    ("name", "fact", "read"),
    [
        ("test.measured.v1", {"metres": 2}, Measured(millimetres=2_000, instrument="unknown")),
        ("test.measured.v2", {"millimetres": 1_500}, Measured(millimetres=1_500, instrument="unknown")),
        ("test.measured.v3", {"millimetres": 7, "instrument": "rule"}, Measured(millimetres=7, instrument="rule")),
    ],
)
def test_old_facts_are_read_as_new_ones(name: str, fact: Fact, read: Measured) -> None:
    assert FAMILY.decode(name, json.dumps(fact).encode()) == read


def test_a_fact_is_written_under_its_newest_name_only() -> None:
    assert FAMILY.encode(Measured(millimetres=1, instrument="rule"))[0] == "test.measured.v3"


def test_the_published_schemas_are_those_of_the_code() -> None:
    assert published() == json.loads(json.dumps(generated()))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda schema: schema["properties"].pop("user"), "removed"),
        (
            lambda schema: schema["properties"].update(age={"type": "integer"}) or schema["required"].append("age"),
            "new",
        ),
        (lambda schema: schema["properties"]["user"].update(type="integer"), "type"),
        (lambda schema: schema["properties"]["status"]["enum"].remove("PENDING"), "no longer allowed"),
        (lambda schema: schema["properties"]["user"].update(pattern="^x"), "pattern"),
    ],
)
def test_a_change_that_breaks_readers_is_named(change: Callable[[Any], object], reason: str) -> None:
    old = published()["user.registered.v1"]
    new = json.loads(json.dumps(old))
    change(new)
    assert any(reason in found for found in breaks(old, new))


def test_an_optional_field_breaks_nobody() -> None:
    old = published()["user.registered.v1"]
    new = json.loads(json.dumps(old))
    new["properties"]["referrer"] = {"type": "string"}
    assert breaks(old, new) == []


def test_amounts_keep_their_full_scale_so_that_reading_needs_no_registry() -> None:
    event = CODEC.decode("ledger.entry_posted.v1", (CORPUS / "ledger.entry_posted.v1.json").read_bytes())
    assert event.entry.postings[0].amount == Amount(10_000, Asset("USD", 2))
