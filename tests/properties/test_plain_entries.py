"""What is read at once by its form is what strict decoding reads, written in the very bytes: nothing else is taken."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic_core import PydanticSerializationError

from application.codec import CODEC, EVENTS, CannotDecode, Codec
from application.plain_entries import write_entry
from application.upcasters import UPCASTERS
from domain.ids import EntryId
from domain.ledger.entry import EntryPosted
from tests.domain.ledger.entries import NOW, entry
from tests.properties.facts import anything_of

NAME = "ledger.entry_posted.v1"
STRICT = Codec(EVENTS, UPCASTERS)
PLAIN = STRICT.encode(EntryPosted(entry=entry(), posted_at=NOW))[1]
PIECES = [
    b"", b" ", b"\n", b"\x00", b"\x7f", b"\\", b"\\u0041", b'"', b"{", b"}", b"[", b"]", b",", b":", b"null", b"true",
    b"-", b"-0", b"0", b"00", b".", b"e1", b"9", b"Z", b"+01:00", b"T", b"usd", b"\xc3\xa9", b"\xff", b"000000",
    "\uff11".encode(), b'"x":"y"', b',"note":""', b'"metadata":{}', b'{"a":1}', b'{"a":"b","a":"c"}', b'{"a":"b"}',
    b"1000000000000000000000000000000",
]  # fmt: skip


def strictly(data: bytes) -> EntryPosted | None:
    """Return the event that strict decoding makes of the bytes, if it is written so."""
    try:
        event: EntryPosted = STRICT.decode(NAME, data)
    except CannotDecode:
        return None
    return event if STRICT.encode(event) == (NAME, data) else None


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(anything_of(EntryPosted))
def test_whatever_entry_is_read_at_once_is_the_one_that_was_written(event: EntryPosted) -> None:
    written = STRICT.encode(event)[1]
    assert CODEC.encode(event) == (NAME, written)
    assert CODEC.as_written(NAME, written) in {None, event}
    assert CODEC.decode(NAME, written) == CODEC.recall(NAME, written) == event


@settings(max_examples=1_000, deadline=None)
@given(
    note=st.text(alphabet=st.characters(codec="utf-8"), max_size=8), reverses=st.sampled_from([None, "f" * 32, 'f"'])
)
@example(note='"', reverses=None)
@example(note="\\", reverses=None)
@example(note="\x1f", reverses=None)
@example(note="é\u2029", reverses=None)
def test_any_text_is_written_as_the_schema_writes_it(note: str, reverses: str | None) -> None:
    """Also one that no rule lets into an entry, such as a control character."""
    event = _with(note=note, reverses=reverses)
    assert CODEC.encode(event) == STRICT.encode(event)


def test_an_entry_without_metadata_is_written_at_once() -> None:
    assert write_entry(_with()) == PLAIN
    assert write_entry(_with(note="é – by hand", reverses=EntryId("f" * 32))) is not None
    assert write_entry(_with(note='"', metadata={"a": "b"})) is None


@pytest.mark.parametrize("wrong", [0, 7, b"x", ("x",)])
@pytest.mark.parametrize(
    "field", ["id", "kind", "reference", "note", "reverses", "metadata", "occurred_at", "effective_at"]
)
def test_what_is_of_another_type_is_not_written(field: str, wrong: object) -> None:
    with pytest.raises((TypeError, PydanticSerializationError)):
        CODEC.encode(_with(**{field: wrong}))


def test_a_time_in_words_is_not_written() -> None:
    event = _with()
    object.__setattr__(event, "posted_at", "2026-11-28T00:00:00Z")
    with pytest.raises(TypeError):
        CODEC.encode(event)


def _with(**fields: object) -> EntryPosted:
    """Return the event with fields that nobody was asked about."""
    event = entry()
    for name, value in fields.items():
        object.__setattr__(event, name, value)
    return EntryPosted(entry=event, posted_at=NOW)


@settings(max_examples=3_000, deadline=None)
@given(at=st.integers(0, len(PLAIN)), length=st.integers(0, 4), piece=st.sampled_from(PIECES))
@example(at=0, length=0, piece=b"")
def test_a_changed_entry_is_read_at_once_only_as_strict_decoding_reads_it(at: int, length: int, piece: bytes) -> None:
    changed = PLAIN[:at] + piece + PLAIN[at + length :]
    event = CODEC.as_written(NAME, changed)
    assert event is None or event == strictly(changed)


FIELDS: Mapping[str, tuple[tuple[str | int, ...], Any]] = {
    "another amount": (("postings", 0, "amount"), "100.01"),
    "minus zero": (("postings", 0, "amount"), "-0.00"),
    "a leading zero": (("postings", 0, "amount"), "0100.00"),
    "19 decimals": (("postings", 0, "amount"), "100.0000000000000000000"),
    "an account that is none": (("postings", 0, "account"), "liabilities:users"),
    "a long kind": (("kind",), "k" * 41),
    "an empty reference": (("reference",), ""),
    "a control character": (("note",), "\x85"),
    "a number in metadata": (("metadata",), {"line": 17}),
    "an object in metadata": (("metadata",), {"line": {}}),
    "a time with an offset": (("occurred_at",), "2026-11-20T13:00:00+01:00"),
    "a time without a zone": (("effective_at",), "2026-11-20T12:00:00"),
    "a time with needless zeros": (("effective_at",), "2026-11-20T12:00:00.000000Z"),
    "an empty id of what it reverses": (("reverses",), ""),
    "one line": (("postings",), json.loads(PLAIN)["entry"]["postings"][:1]),
}


@pytest.mark.parametrize(("at", "value"), FIELDS.values(), ids=FIELDS.keys())
def test_what_breaks_a_rule_or_has_another_form_is_left_to_the_codec(at: tuple[str | int, ...], value: object) -> None:
    fact = json.loads(PLAIN)
    assert CODEC.as_written(NAME, _written(fact)) == strictly(PLAIN) is not None
    target: Any = fact["entry"]
    for step in at[:-1]:
        target = target[step]
    target[at[-1]] = value
    assert CODEC.as_written(NAME, _written(fact)) is None


def test_entries_with_metadata_and_reversals_are_read_at_once_too() -> None:
    fact = json.loads(PLAIN)
    fact["entry"] |= {"note": "é – by hand", "metadata": {"trade_id": "t-1", "z": "", "a": "é"}, "reverses": "f" * 32}
    event = CODEC.as_written(NAME, _written(fact))
    assert event is not None
    assert event == strictly(_written(fact))


def _written(fact: Mapping[str, Any]) -> bytes:
    return json.dumps(fact, separators=(",", ":"), ensure_ascii=False).encode()


def test_entries_that_are_read_at_once_share_nothing_that_could_be_changed() -> None:
    first, second = CODEC.decode(NAME, PLAIN), CODEC.decode(NAME, PLAIN)
    assert first == second
    assert first.entry.metadata is not second.entry.metadata
    assert first.entry.metadata == json.loads(PLAIN)["entry"]["metadata"]
