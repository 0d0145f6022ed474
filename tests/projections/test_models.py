"""The table of read models."""

import re

import pytest

from application import upcasters
from application.codec import EVENTS
from application.upcasters import Upcaster
from domain.ledger.entry import EntryPosted
from projections import models
from projections.generations import DEFINITIONS, definition_of
from projections.models import PROJECTIONS, stored_names


def test_every_model_has_a_definition_of_its_tables_and_none_is_without_a_model() -> None:
    assert {path.stem for path in DEFINITIONS.glob("*.sql")} == set(PROJECTIONS)


def test_no_table_of_two_models_has_the_same_name() -> None:
    tables = [
        table
        for name in PROJECTIONS
        for table in re.findall(r"^create table (\w+)", definition_of(name).tables, re.MULTILINE)
    ]
    assert len(tables) == len(set(tables))


READ_AS_ENTRIES = frozenset({
    "allowance.set.v1", "allowance.used.v1", "allowance.restored.v1", "write_off.made.v1", "write_off.recovered.v1",
})  # fmt: skip
"""What finance gives up and provides for is read in the journal: each has an entry in its append that names it."""


def test_every_event_of_money_and_trading_is_read_by_some_model() -> None:
    read = frozenset().union(*(projection.handles for projection in PROJECTIONS.values()))
    unread = {name for name in EVENTS if name not in read}
    assert unread - READ_AS_ENTRIES == {
        "tenant.created.v1",
        "user.sessions_ended.v1",
        "user.identity_linked.v1",
        "user.identity_unlinked.v1",
        "email.claimed.v1",
        "ledger.reference_claimed.v1",
        "ledger.entry_reversed.v1",
        "outside_fact.booked.v1",
        "policy.command_refused.v1",
        "provider.event_received.v1",
        "time.day_ended.v1",
        "timer.set.v1",
        "timer.due.v1",
        "rate.recorded.v1",
        "fx.taken_on.v1",
        "fx.covered.v1",
    }


def test_a_model_also_handles_the_retired_names_of_its_events(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = {
        "ledger.entry_posted.v0": Upcaster("ledger.entry_posted.v1", lambda fact: fact),
        "ledger.posted.v1": Upcaster("ledger.entry_posted.v0", lambda fact: fact),
        "user.added.v1": Upcaster("user.registered.v1", lambda fact: fact),
    }
    monkeypatch.setattr(upcasters, "UPCASTERS", chain)
    monkeypatch.setattr(models, "UPCASTERS", chain)
    assert stored_names([EntryPosted]) == {
        "ledger.entry_posted.v1", "ledger.entry_posted.v0", "ledger.posted.v1"
    }  # fmt: skip
