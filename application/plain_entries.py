"""A stored entry read by the form that `encode` gives it: most of the log, at a third of what decoding costs.

What has this form letter by letter is decoded and was encoded so. Whatever has not, or breaks a rule, is left to the
codec, which says what is wrong with it: nothing is accepted here that strict decoding would refuse.
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

_TEXT = r'"([^"\\\x00-\x1f]*)"'
"""One without anything that is written with a backslash."""
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
        rf'\{{"entry":\{{"id":{_TEXT},"kind":{_TEXT},"reference":{_TEXT},"occurred_at":{_TEXT},"effective_at":{_TEXT},'
        rf'"postings":\[{",".join([_LINE] * lines)}\],"note":{_TEXT},"metadata":(\{{[^{{}}\\]*\}}),'
        rf'"reverses":(?:null|"([^"\\\x00-\x1f]+)")\}},"posted_at":{_TEXT}\}}'
    )


_FORMS = {lines: _form_of(lines).fullmatch for lines in range(LEAST_POSTINGS, _MOST_LINES + 1)}

_TIME_READ, _TIME_WRITTEN = SchemaValidator(schema_of(datetime)), SchemaSerializer(schema_of(datetime))
_make = object.__new__
_set_units, _set_asset = (vars(Amount)[name].__set__ for name in ("units", "asset"))
_set_account, _set_amount = (vars(Posting)[name].__set__ for name in ("account", "amount"))
_set_entry, _set_posted_at = (vars(EntryPosted)[name].__set__ for name in ("entry", "posted_at"))
(
    _set_id, _set_kind, _set_reference, _set_occurred_at, _set_effective_at, _set_postings, _set_note, _set_metadata,
    _set_reverses,
) = (vars(JournalEntry)[field.name].__set__ for field in fields(JournalEntry))  # fmt: skip


class _OtherForm(ValueError):
    """It is written in another way: perhaps it can be read all the same."""


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
    """Fill the slots one by one: the initialisers of frozen dataclasses take twice as long."""
    entry, event = _make(JournalEntry), _make(EntryPosted)
    _set_id(entry, parts[0])
    _set_kind(entry, parts[1])
    _set_reference(entry, parts[2])
    _set_occurred_at(entry, _time(parts[3]))
    _set_effective_at(entry, _time(parts[4]))
    _set_postings(entry, _postings(parts[_BEFORE:-_BEHIND]))
    note, metadata, reverses, posted_at = parts[-_BEHIND:]
    _set_note(entry, note)
    _set_metadata(entry, {} if metadata == "{}" else _metadata(metadata))
    _set_reverses(entry, reverses or None)
    _set_entry(event, entry)
    _set_posted_at(event, _time(posted_at))
    return event


def _postings(parts: tuple[str, ...]) -> tuple[Posting, ...]:
    postings = []
    each = iter(parts)
    for account, code, whole, decimals in zip(each, each, each, each, strict=True):
        amount, posting = _make(Amount), _make(Posting)
        _set_units(amount, int(whole + decimals))
        _set_asset(amount, asset_of(code, len(decimals)))
        _set_account(posting, account)
        _set_amount(posting, amount)
        postings.append(posting)
    return tuple(postings)


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
