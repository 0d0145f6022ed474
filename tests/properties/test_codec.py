"""Whatever an event's annotations allow is read as it was written, and matches its published schema."""

import json
from functools import lru_cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic_core import from_json

from application.codec import EVENTS, decode, encode
from dev.schemas import published
from tests.properties.facts import anything_of


@lru_cache
def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(published()[name])


@pytest.mark.parametrize("name", EVENTS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_event_is_read_as_it_was_written(name: str, data: st.DataObject) -> None:
    event = data.draw(anything_of(EVENTS[name]))
    stored_name, stored = encode(event)
    assert stored_name == name
    assert decode(name, stored) == event
    validator(name).validate(from_json(stored))


@settings(max_examples=100, deadline=None)
@given(event=anything_of(EVENTS["ledger.entry_posted.v1"]))
def test_an_entry_is_stored_as_the_database_wants_it(event: object) -> None:
    """append() adds the lines up as numbers: every amount is a plain decimal string, and no line lacks a part."""
    _, stored = encode(event)
    for posting in json.loads(stored)["entry"]["postings"]:
        assert set(posting) == {"account", "asset", "amount"}
        whole, _, decimals = posting["amount"].removeprefix("-").partition(".")
        assert whole.isdecimal()
        assert decimals == "" or decimals.isdecimal()
