"""Exports: the log as files that are read without Lastro, and taken in again with positions, times and bytes kept.

`events.ndjson` and `receipts.ndjson` hold one row a line, every column as stored; `manifest.json` their range, counts
and hashes, and `manifest.note` the signature over it. One tenant's export holds that tenant's rows only, each with its
path to the roots that a checkpoint signs.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from application.evidence.leaves import EVENT_FIELDS, RECEIPT_FIELDS, Stored, StoredEvent, StoredReceipt, leaf_hash
from domain.merkle import levels_of, prove_inclusion, root_of
from interfaces.audit.notary import FileNotary
from interfaces.audit.proofs import sealed_leaves
from interfaces.audit.snapshot import Connection, one, portions

FORMAT = "lastro-export-1"
FILES = {"events": "events.ndjson", "receipts": "receipts.ndjson"}
MANIFEST, SIGNATURE = "manifest.json", "manifest.note"

_EVENTS = f"""
    SELECT {EVENT_FIELDS} FROM log.events WHERE notification_id BETWEEN %s AND %s AND (%s::text IS NULL OR tenant = %s)
    ORDER BY notification_id
"""  # noqa: S608 - columns of a constant
_RECEIPTS = f"""
    SELECT {RECEIPT_FIELDS} FROM log.receipts WHERE number BETWEEN %s AND %s AND (%s::text IS NULL OR tenant = %s)
    ORDER BY number
"""  # noqa: S608 - columns of a constant
_HEADS = """
    SELECT coalesce((SELECT max(notification_id) FROM log.events), 0),
        coalesce((SELECT max(number) FROM log.receipts), 0)
"""
_APPEND = "SELECT append_id FROM log.events WHERE notification_id = %s"


class CannotExport(Exception):
    """The range is empty or cuts an append, or the directory is not empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Which events and receipts are exported; both ends belong to it. A tenant, where it is one tenant's."""

    events: tuple[int, int]
    receipts: tuple[int, int]
    tenant: str | None = None


def cut_of(connection: Connection, first: int, last: int | None, *, tenant: str | None) -> Cut:
    """Return a range that cuts no append. Raises `CannotExport`."""
    head, receipts = one(connection, _HEADS)
    last = head if last is None else last
    if not 1 <= first <= last <= head:
        raise CannotExport(f"the log has events 1 to {head}")
    if last < head and one(connection, _APPEND, last) == one(connection, _APPEND, last + 1):
        raise CannotExport(f"event {last} is not the last of its append")
    if first > 1 and one(connection, _APPEND, first) == one(connection, _APPEND, first - 1):
        raise CannotExport(f"event {first} is not the first of its append")
    begins = 1 if first == 1 else one(connection, _APPEND, first)[0]
    ends = receipts if last == head else one(connection, _APPEND, last)[0]
    return Cut(events=(first, last), receipts=(begins, ends), tenant=tenant)


def export(connection: Connection, directory: Path, cut: Cut, *, notary: FileNotary) -> dict[str, Any]:
    """Write the files of an export into an empty directory; return the manifest. Raises `CannotExport`."""
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise CannotExport(f"{directory} is not empty")
    manifest: dict[str, Any] = {"format": FORMAT, "key": str(notary.key), "tenant": cut.tenant}
    note, events, receipts = sealed_leaves(connection) if cut.tenant is not None else (None, (), ())
    for name, query, kind, (first, last), leaves in (
        ("events", _EVENTS, StoredEvent, cut.events, events),
        ("receipts", _RECEIPTS, StoredReceipt, cut.receipts, receipts),
    ):
        parameters = (first, last, cut.tenant, cut.tenant)
        rows = (kind(*row) for portion in portions(connection, query, *parameters) for row in portion)
        manifest[name] = {"from": first, "to": last, **_write(directory / FILES[name], rows, leaves)}
    if note is not None:
        manifest["checkpoint"] = note
    text = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
    (directory / MANIFEST).write_text(text)
    (directory / SIGNATURE).write_text(notary.sign(signed_text(text)))
    return manifest


def signed_text(manifest: str) -> str:
    """Return what is signed of a manifest."""
    return f"{FORMAT}\n{sha256(manifest.encode()).hexdigest()}\n"


def _write(path: Path, rows: Iterable[Stored], sealed: tuple[bytes, ...]) -> dict[str, Any]:
    """Write rows as lines; return their count, the file's hash, and the root over their leaves."""
    digest, leaves = sha256(), []
    levels = levels_of(sealed)
    with path.open("wb") as file:
        for stored in rows:
            line = json.dumps({**as_json(stored), **_path(stored, levels)}, ensure_ascii=False).encode() + b"\n"
            file.write(line)
            digest.update(line)
            leaves.append(leaf_hash(stored))
    return {"count": len(leaves), "sha256": digest.hexdigest(), "root": root_of(leaves).hex()}


def _path(stored: Stored, levels: list[Any]) -> dict[str, list[str]]:
    """Return where the row stands under the checkpoint; nothing where it is unsealed, or the export is a whole one."""
    if not 0 < stored.number <= len(levels[0]):
        return {}
    return {"path": [step.hex() for step in prove_inclusion(levels, stored.number - 1)]}


def as_json(stored: Stored) -> dict[str, Any]:
    """Return a row as JSON values; the state is text, byte for byte."""
    fields = stored._asdict()
    return {**fields, "state": stored.state.decode()} if isinstance(stored, StoredEvent) else fields


def from_json(name: str, line: str) -> tuple[Stored, list[str] | None]:
    """Read a line of an export: the row, and its path if it has one. Raises `ValueError`, `TypeError` or `KeyError`."""
    fields = json.loads(line)
    path = fields.pop("path", None)
    if name == "receipts":
        return StoredReceipt(**fields), path
    return StoredEvent(**{**fields, "state": fields["state"].encode()}), path


def lines_of(directory: Path, name: str) -> Iterator[tuple[Stored, list[str] | None]]:
    """Yield the rows of an export's file."""
    with (directory / FILES[name]).open(encoding="utf-8", newline="\n") as file:
        for line in file:
            yield from_json(name, line)
