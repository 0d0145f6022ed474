"""An entry written and read by the one form that most of the log has, at less than half of what its schema costs.

What has this form letter by letter is decoded and was encoded so. Whatever has not, or breaks a rule, is left to the
codec, which says what is wrong with it: nothing is accepted here that strict decoding would refuse, and nothing is
written that the schema would write in another way.
"""

import re
from dataclasses import fields
from datetime import datetime
from functools import lru_cache
from typing import Any

from pydantic_core import SchemaSerializer, SchemaValidator, ValidationError, from_json, to_json

from application.wire import schema_of
from domain.errors import DomainError
from domain.ledger.entry import LEAST_POSTINGS, EntryPosted, JournalEntry, Posting
from domain.money import MAX_SCALE, Amount, asset_of

_TEXT = r'"([^"\\\x00-\x1f]*+)"'
"""One without anything that is written with a backslash."""
_MOMENT = r'"([^"]*+)"'
"""One that is looked at as a time, which has no such thing either: to look for one quote alone takes half as long."""
_LINE = (
    rf'\{{"account":{_TEXT},"asset":"([A-Z0-9]{{1,20}})",'
    rf'"amount":"(-?(?:0|[1-9][0-9]*))(?:\.([0-9]{{1,{MAX_SCALE}}}))?"\}}'
)
_BEFORE, _BEHIND = 5, 4
"""Groups of the pattern before the lines and behind them."""
_MOST_LINES = 8
"""Longer entries are rare: they take the usual way."""


def _form_of(lines: int) -> re.Pattern[str]:
    return re.compile(
        rf'\{{"entry":\{{"id":{_TEXT},"kind":{_TEXT},"reference":{_TEXT},"occurred_at":{_MOMENT},"effective_at":{_MOMENT},'
        rf'"postings":\[{",".join([_LINE] * lines)}\],"note":{_TEXT},"metadata":(\{{[^{{}}\\]*\}}),'
        rf'"reverses":(?:null|"([^"\\\x00-\x1f]+)")\}},"posted_at":{_MOMENT}\}}'
    )


_FORMS = {lines: _form_of(lines).fullmatch for lines in range(LEAST_POSTINGS, _MOST_LINES + 1)}

_TIME_READ, _TIME_WRITTEN = SchemaValidator(schema_of(datetime)), SchemaSerializer(schema_of(datetime))


def _fillable(cls: type) -> Any:
    """Return a class with the slots of a frozen one. Its instances are filled by plain assignment, then turned."""
    return type(cls.__name__, (), {"__slots__": tuple(field.name for field in fields(cls))})


_Amount, _Posting, _JournalEntry, _EntryPosted = map(_fillable, (Amount, Posting, JournalEntry, EntryPosted))
"""The initialisers of frozen dataclasses take three times as long: they set each slot through a function."""


class _OtherForm(ValueError):
    """It is written in another way: perhaps it can be read all the same."""


def write_entry(event: EntryPosted) -> bytes | None:
    """Return the bytes that the event's schema gives; None where a text may need a backslash, or there is metadata.

    What is not a text cannot be joined with others, and what is no time is refused, as by the schema. Kinds, accounts
    and codes have rules that allow nothing to be escaped.
    """
    entry = event.entry
    reverses = "" if entry.reverses is None else entry.reverses
    free = entry.id + entry.reference + entry.note + reverses
    if entry.metadata != {} or '"' in free or "\\" in free or not free.isprintable():
        return None
    lines = []
    for posting in entry.postings:
        amount = posting.amount
        line = (posting.account, '","asset":"', amount.asset.code, '","amount":"', amount.format_full(), '"}')
        lines.append('{"account":"' + "".join(line))
    occurred_at = _written(entry.occurred_at)
    effective_at = occurred_at if entry.effective_at is entry.occurred_at else _written(entry.effective_at)
    posted_at = occurred_at if event.posted_at is entry.occurred_at else _written(event.posted_at)
    texts = (
        '{"entry":{"id":"', entry.id, '","kind":"', entry.kind, '","reference":"', entry.reference,
        '","occurred_at":', occurred_at, ',"effective_at":', effective_at,
        ',"postings":[', ",".join(lines), '],"note":"', entry.note, '","metadata":{},"reverses":',
        "null" if entry.reverses is None else f'"{reverses}"', '},"posted_at":', posted_at, "}",
    )  # fmt: skip
    return "".join(texts).encode()


def read_entry(state: bytes) -> EntryPosted | None:
    """Return the event if `decode` reads it and `encode` writes these bytes of it; None where the two must be asked."""
    event = recall_entry(state)
    if event is not None:
        try:
            event.entry.__post_init__()
        except DomainError:
            return None
    return event


def recall_entry(state: bytes) -> EntryPosted | None:
    """Return the event without asking for the rules of an entry, which were asked when it was appended."""
    matches = _FORMS.get(state.count(b'"account":'))
    if matches is None:
        return None
    try:
        form = matches(state.decode())
        return None if form is None else _event(form.groups(""))
    except ValueError:
        return None


def _event(parts: tuple[Any, ...]) -> EntryPosted:
    entry, event = _JournalEntry(), _EntryPosted()
    entry.id, entry.kind, entry.reference, occurred_at, effective_at = parts[:_BEFORE]
    entry.occurred_at = _time(occurred_at)
    entry.effective_at = _time(effective_at)
    entry.postings = _postings(parts[_BEFORE:-_BEHIND])
    entry.note, metadata, reverses, posted_at = parts[-_BEHIND:]
    entry.metadata = {} if metadata == "{}" else _metadata(metadata)
    entry.reverses = reverses or None
    entry.__class__ = JournalEntry
    event.entry = entry
    event.posted_at = _time(posted_at)
    event.__class__ = EntryPosted
    filled: EntryPosted = event
    return filled


def _postings(parts: tuple[str, ...]) -> tuple[Posting, ...]:
    postings = []
    each = iter(parts)
    for account, code, whole, decimals in zip(each, each, each, each, strict=True):
        amount, posting = _Amount(), _Posting()
        amount.units = int(whole + decimals)
        amount.asset = asset_of(code, len(decimals))
        amount.__class__ = Amount
        posting.account = account
        posting.amount = amount
        posting.__class__ = Posting
        postings.append(posting)
    return tuple(postings)


def _written(time: datetime) -> str:
    """Return a time as the schema writes it: its own way to be strict takes three times as long."""
    if not isinstance(time, datetime):
        raise TypeError(time)
    return _TIME_WRITTEN.to_json(time).decode()


@lru_cache(maxsize=4_096)
def _time(text: str) -> datetime:
    """Return a time that is written so; those of an entry are mostly one and the same."""
    try:
        time: datetime = _TIME_READ.validate_json(f'"{text}"')
    except ValidationError as error:
        raise _OtherForm(text) from error
    if _TIME_WRITTEN.to_json(time) != f'"{text}"'.encode():
        raise _OtherForm(text)
    return time


def _metadata(text: str) -> dict[str, str]:
    metadata: dict[str, Any] = from_json(text)
    if to_json(metadata).decode() != text or not all(isinstance(value, str) for value in metadata.values()):
        raise _OtherForm(text)
    return metadata
