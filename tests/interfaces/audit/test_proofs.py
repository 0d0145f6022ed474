"""Proofs hold for what they prove, need no database to be checked, and break when anything in them is changed."""

import json
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from interfaces.audit.notary import FileNotary, KeyUnusable, load_notary
from interfaces.audit.notes import NoKey, NotSigned, VerifierKey, open_note, sign_note
from interfaces.audit.proofs import CannotProve, Proof, ProofFails, check_proof, prove_event, prove_growth
from interfaces.audit.snapshot import Connection, open_snapshot
from tests.interfaces.audit.forgery import Books
from tests.interfaces.audit.sealing import NOTARY, OUR_KEY, seal

pytestmark = pytest.mark.anyio


def proven(books: Books, prove: Callable[[Connection], Proof]) -> dict[str, Any]:
    with closing(open_snapshot(books.house.urls.projector)) as snapshot:
        travelled: dict[str, Any] = json.loads(json.dumps(prove(snapshot)))
        return travelled


async def test_every_event_is_proven_by_position_and_by_id(books: Books) -> None:
    await seal(books.house)
    head = await books.house.store.head()
    for event in [*(str(position) for position in range(1, head + 1)), books.deposit]:
        proof = proven(books, partial(prove_event, event=event, key=NOTARY.key))
        assert f"among the {head} events" in check_proof(json.dumps(proof), NOTARY.key)


async def test_a_proof_breaks_when_any_field_of_its_event_is_changed(books: Books) -> None:
    await seal(books.house)
    proof = proven(books, lambda snapshot: prove_event(snapshot, books.deposit, NOTARY.key))
    for field, value in proof["event"].items():
        changed = value + 1 if isinstance(value, int) else f"{value or ''}x"
        with pytest.raises(ProofFails):
            check_proof(json.dumps({**proof, "event": {**proof["event"], field: changed}}), NOTARY.key)
    unlike = {"path": proof["path"][1:]}, {"checkpoint": "x" + proof["checkpoint"]}, {"event": None}
    for forged in (*({**proof, **change} for change in unlike), {}):
        with pytest.raises(ProofFails):
            check_proof(json.dumps(forged), NOTARY.key)
    other = FileNotary(Ed25519PrivateKey.generate()).key
    with pytest.raises(ProofFails):
        check_proof(json.dumps(proof), other)


async def test_what_is_not_sealed_or_not_there_cannot_be_proven(books: Books) -> None:
    with pytest.raises(CannotProve):
        proven(books, lambda snapshot: prove_event(snapshot, "1", NOTARY.key))
    await seal(books.house)
    await books.house.deposit(books.bob, 100)
    head = await books.house.store.head()
    for event in (str(head), str(head + 1), "0" * 32):
        with pytest.raises(CannotProve):
            proven(books, partial(prove_event, event=event, key=NOTARY.key))


async def test_a_later_checkpoint_is_proven_to_only_add_to_an_earlier_one(books: Books) -> None:
    await seal(books.house)
    await books.house.deposit(books.bob, 100)
    await seal(books.house)
    proof = proven(books, lambda snapshot: prove_growth(snapshot, 1, 2, key=NOTARY.key))
    assert "only adds to" in check_proof(json.dumps(proof), NOTARY.key)
    for forged in ({**proof, "old": proof["new"], "new": proof["old"]}, {**proof, "events": proof["events"][1:]}):
        with pytest.raises(ProofFails):
            check_proof(json.dumps(forged), NOTARY.key)
    with pytest.raises(CannotProve):
        proven(books, lambda snapshot: prove_growth(snapshot, 1, 9, key=NOTARY.key))


def test_a_note_is_opened_with_the_key_that_signed_it_and_no_other() -> None:
    note = sign_note("what we say\n\nand more\n", name="us", private=OUR_KEY)
    key = VerifierKey(name="us", public=OUR_KEY.public_key().public_bytes_raw())
    assert open_note(note, VerifierKey.parse(str(key))) == "what we say\n\nand more\n"
    stranger = VerifierKey(name="us", public=Ed25519PrivateKey.generate().public_key().public_bytes_raw())
    renamed = VerifierKey(name="them", public=key.public)
    for tried, by in ((note, stranger), (note, renamed), (note.replace("we say", "we sa"), key), ("no note", key)):
        with pytest.raises(NotSigned):
            open_note(tried, by)


@pytest.mark.parametrize(
    "text", ["", "us", "us+00000000+AAAA", f"{NOTARY.key}x", str(NOTARY.key).replace("lastro", "x")]
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(NoKey):
        VerifierKey.parse(text)


def test_the_signing_key_is_made_once_private_and_never_silently(tmp_path: Path) -> None:
    path = tmp_path / "evidence.key"
    with pytest.raises(KeyUnusable):
        load_notary(path, create=False)
    made = load_notary(path, create=True)
    assert load_notary(path, create=False).key == made.key
    path.chmod(0o644)
    with pytest.raises(KeyUnusable):
        load_notary(path, create=True)
    path.write_text("no key")
    with pytest.raises(KeyUnusable):
        load_notary(path, create=False)
