"""Proofs for outsiders: that an event is under a signature, and that one checkpoint only continues another.

A proof is one JSON object that holds all it takes to check it: nothing else of Lastro, no database and no network.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from application.evidence.checkpoints import Checkpoint, NoCheckpoint
from application.evidence.leaves import EVENT_FIELDS, StoredEvent, leaf_hash
from application.evidence.liabilities import Branch
from application.evidence.trees import split
from domain.liabilities.sums import Sums, written
from domain.merkle import is_consistent, is_included, levels_of, prove_consistency, prove_inclusion
from interfaces.audit.notes import NotSigned, VerifierKey, open_note
from interfaces.audit.snapshot import Connection, rows

Proof = Mapping[str, Any]

_EVENT = f"SELECT {EVENT_FIELDS} FROM log.events WHERE "  # noqa: S608 - columns of a constant
_CHECKPOINT = "SELECT number, events_tail, receipts_tail, note FROM evidence.checkpoints"
_TILES = "SELECT leaves FROM evidence.tiles WHERE tree = %s ORDER BY tile"


class CannotProve(Exception):
    """There is no such event or checkpoint, or nobody has signed for it yet."""


class ProofFails(Exception):
    """The proof does not hold; the message says what is wrong with it."""


def prove_event(connection: Connection, event: str, key: VerifierKey) -> Proof:
    """Prove that an event, named by its log position or id, is under the last checkpoint. Raises `CannotProve`."""
    named, value = ("notification_id = %s", int(event)) if event.isdecimal() else ("event_id = %s::uuid", event)
    found = rows(connection, _EVENT + named, value)
    if not found:
        raise CannotProve(f"there is no event {event}")
    stored = StoredEvent(*found[0])
    checkpoint, note, leaves, _ = _last(connection)
    if stored.log_position > checkpoint.events.size:
        raise CannotProve(
            f"event {stored.log_position} is not sealed yet: the last checkpoint holds "
            f"{checkpoint.events.size} events (lastro audit checkpoint signs one now)"
        )
    path = prove_inclusion(levels_of(leaves), stored.log_position - 1)
    fields = {**stored._asdict(), "state": stored.state.decode()}
    return {
        "proves": "an event is in the log",
        "event": fields,
        "path": [step.hex() for step in path],
        "checkpoint": note,
        "key": str(key),
    }


def prove_growth(connection: Connection, old: int, new: int, *, key: VerifierKey) -> Proof:
    """Prove that checkpoint `new` only adds to checkpoint `old`; both by their numbers. Raises `CannotProve`."""
    notes = {
        number: note for number, _, _, note in rows(connection, f"{_CHECKPOINT} WHERE number IN (%s, %s)", old, new)
    }
    if notes.keys() != {old, new} or old > new:
        raise CannotProve(f"there are no checkpoints {old} and {new} in this order")
    _, _, events, receipts = _last(connection)
    first, then = (_parsed(notes[number]) for number in (old, new))
    return {
        "proves": "a checkpoint only adds to another",
        "events": [step.hex() for step in prove_consistency(events[: then.events.size], first.events.size)],
        "receipts": [step.hex() for step in prove_consistency(receipts[: then.receipts.size], first.receipts.size)],
        "old": notes[old],
        "new": notes[new],
        "key": str(key),
    }


def sealed_leaves(connection: Connection) -> tuple[str, tuple[bytes, ...], tuple[bytes, ...]]:
    """Return the last checkpoint, and the leaves of events and receipts under it. Raises `CannotProve`."""
    _, note, events, receipts = _last(connection)
    return note, events, receipts


def last_note(connection: Connection) -> str:
    """Return the last checkpoint as a signed note. Raises `CannotProve`."""
    return _last(connection)[1]


def check_proof(text: str, key: VerifierKey | None) -> str:
    """Check a proof, with the auditor's own copy of the key if there is one; return what it proves.

    Raises `ProofFails`.
    """
    try:
        proof = json.loads(text)
        own = VerifierKey.parse(proof["key"]) if "key" in proof else key
        if own is None:
            raise ProofFails("the proof names no key: check it with your own copy")
        if key is not None and key != own:
            raise ProofFails(f"the proof is made with the key {own.name}, and not with {key.name}")
        if "tenants_path" in proof:
            return _check_branch(proof, own)
        return _check_growth(proof, own) if "old" in proof else _check_event(proof, own)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProofFails(f"this is not a proof: {error!r}") from error
    except NotSigned as error:
        raise ProofFails(str(error)) from error


def _check_event(proof: Proof, key: VerifierKey) -> str:
    fields = dict(proof["event"])
    stored = StoredEvent(**{**fields, "state": fields["state"].encode()})
    checkpoint = Checkpoint.parse(open_note(proof["checkpoint"], key))
    events = checkpoint.events
    leaf, path = leaf_hash(stored), _hashes(proof["path"])
    if not is_included(leaf, stored.log_position - 1, size=events.size, path=path, root=events.root):
        raise ProofFails("the event is not the one that was sealed")
    return (
        f"event {stored.log_position} ({stored.type} of {stored.stream}) is among the {events.size} events "
        f"that {key.name} signed for at {checkpoint.signed_at:%Y-%m-%d %H:%M:%S} UTC"
    )


def _check_growth(proof: Proof, key: VerifierKey) -> str:
    old, new = (Checkpoint.parse(open_note(proof[which], key)) for which in ("old", "new"))
    for tree, first, then in (("events", old.events, new.events), ("receipts", old.receipts, new.receipts)):
        grown = is_consistent(
            old_size=first.size, old_root=first.root, new_size=then.size, new_root=then.root, path=_hashes(proof[tree])
        )
        if not grown:
            raise ProofFails(f"the later {tree} do not only add to the earlier ones")
    return (
        f"the log of {new.events.size} events signed at {new.signed_at:%Y-%m-%d %H:%M:%S} UTC only adds to "
        f"the log of {old.events.size} events signed at {old.signed_at:%Y-%m-%d %H:%M:%S} UTC by {key.name}"
    )


def _check_branch(proof: Proof, key: VerifierKey) -> str:
    branch = Branch.read(proof)
    checkpoint = Checkpoint.parse(open_note(branch.checkpoint, key))
    root, over_all = branch.root
    if (over_all, branch.log_position) != (checkpoint.liabilities, checkpoint.events.size):
        raise ProofFails("the amounts are not among those that were signed for")
    return (
        f"user {branch.user} of {branch.tenant} is owed {_amounts(branch.sums)}, and all {branch.size} users together "
        f"{_amounts(root.sums)}, as {key.name} signed for at {checkpoint.signed_at:%Y-%m-%d %H:%M:%S} UTC "
        f"at log position {branch.log_position}"
    )


def _amounts(sums: Sums) -> str:
    return ", ".join(f"{one['value']} {one['asset']}" for one in written(sums)) or "nothing"


def _last(connection: Connection) -> tuple[Checkpoint, str, tuple[bytes, ...], tuple[bytes, ...]]:
    """Return the last checkpoint, its note, and the leaves of events and receipts under it."""
    last = rows(connection, f"{_CHECKPOINT} ORDER BY number DESC LIMIT 1")
    if not last:
        raise CannotProve("nothing is sealed yet: lastro audit checkpoint signs the first checkpoint")
    _, events_tail, receipts_tail, note = last[0]
    leaves = (
        tuple(leaf for (hashes,) in rows(connection, _TILES, tree) for leaf in split(hashes)) + split(tail)
        for tree, tail in (("events", events_tail), ("receipts", receipts_tail))
    )
    return _parsed(note), note, *leaves


def _parsed(note: str) -> Checkpoint:
    try:
        return Checkpoint.parse(note.partition("\n\n")[0] + "\n")
    except NoCheckpoint as error:
        raise CannotProve(f"the stored checkpoint is broken: {error}") from error


def _hashes(path: Sequence[str]) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(step) for step in path)
