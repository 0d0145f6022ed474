"""The auditor reads the tenant's log over REST: its events, each with a proof that holds without a database."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from interfaces.audit.notary import FileNotary
from interfaces.audit.proofs import ProofFails, check_proof
from tests.interfaces.api.answers import body, items, problem
from tests.interfaces.api.callers import Caller
from tests.interfaces.api.entries import capital, top_up
from tests.interfaces.api.installation import House, until
from tests.interfaces.api.office import MASTER_KEY
from tests.interfaces.api.test_lists import walk

EVENTS = "audit/events"
KEY = FileNotary(Ed25519PrivateKey.from_private_bytes(MASTER_KEY)).key
"""What the worker of these tests signs with."""


@pytest.fixture
def auditor(house: House) -> Caller:
    return house.auditor


def test_events_are_found_by_stream_type_actor_and_time(house: House, auditor: Caller) -> None:
    finance = house.finance
    first = body(finance.post("ledger/entries", capital("1.00")), 201)
    second = body(finance.post("ledger/entries", top_up(house.trader.user, "2.00")), 201)
    everything = walk(auditor, EVENTS, after=house.head(), limit=3)
    positions = [one["log_position"] for one in everything]
    assert positions == sorted(positions, reverse=True)
    assert {one["tenant"] for one in everything} == {house.tenant}
    stream = f"{house.tenant}:book-{house.trader.user}"
    assert [one["event_id"] for one in items(auditor.get(EVENTS, stream=stream))] == [second["id"]]
    posted = items(auditor.get(EVENTS, type="ledger.entry_posted.v1", actor=finance.user))
    assert [one["event_id"] for one in posted] == [second["id"], first["id"]]
    (earlier,) = items(auditor.get(EVENTS, type="ledger.entry_posted.v1", to=posted[0]["recorded_at"]))
    assert earlier["event_id"] == first["id"]
    later = items(auditor.get(EVENTS, type="ledger.entry_posted.v1", **{"from": posted[0]["recorded_at"]}))
    assert [one["event_id"] for one in later] == [second["id"]]
    assert posted[0]["fact"]["entry"]["id"] == second["id"]


def sealed(house: House, auditor: Caller, log_position: int) -> dict[str, Any]:
    """Return an event with its proof, once the worker has signed for it."""
    shown: dict[str, Any] = {}

    def proven() -> bool:
        shown.update(body(auditor.get(f"{EVENTS}/{log_position}")))
        return shown["proof"] is not None

    until(proven)
    assert house.tenant == shown["event"]["tenant"]
    return shown


def test_the_proof_of_an_event_holds_without_a_database_and_with_ones_own_key_only(
    house: House, auditor: Caller, tmp_path: Path
) -> None:
    posted = body(house.finance.post("ledger/entries", capital()), 201)
    shown = sealed(house, auditor, posted["log_position"])
    proof = json.dumps(shown["proof"])
    assert f"event {posted['log_position']} (ledger.entry_posted.v1" in check_proof(proof, KEY)
    with pytest.raises(ProofFails):
        check_proof(proof, None)
    with pytest.raises(ProofFails):
        check_proof(proof.replace("1.00", "2.00"), KEY)
    assert shown["event"]["fact"] == json.loads(shown["proof"]["event"]["state"])
    assert b64encode(MASTER_KEY).decode() not in proof
    assert tmp_path.exists()


def test_every_event_of_the_tenant_is_proven_under_the_checkpoint_that_is_listed(house: House, auditor: Caller) -> None:
    last = body(house.finance.post("ledger/entries", capital()), 201)["log_position"]
    sealed(house, auditor, last)
    for one in walk(auditor, EVENTS, limit=500):
        proof = body(auditor.get(f"{EVENTS}/{one['log_position']}"))["proof"]
        assert check_proof(json.dumps(proof), KEY)
    newest = items(auditor.get("audit/checkpoints", limit=1))[0]
    assert newest["events"] >= last
    assert newest["note"].startswith(f"{KEY.name}\n{newest['events']}\n")
    numbers = [one["number"] for one in walk(auditor, "audit/checkpoints", limit=2)]
    assert numbers == list(range(numbers[0], 0, -1))


def test_another_tenants_event_is_as_unknown_as_none(house: House, auditor: Caller) -> None:
    posted = body(house.finance.post("ledger/entries", capital()), 201)
    stranger = house.installation.a_house().auditor
    problem(stranger.get(f"{EVENTS}/{posted['log_position']}"), 404, "unknown_event")
    problem(auditor.get(f"{EVENTS}/{house.head() + 1_000_000}"), 404, "unknown_event")
    assert items(stranger.get(EVENTS, stream=f"{house.tenant}:book-house-2026-11")) == []
