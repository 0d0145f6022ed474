"""Taking an export in again, into an empty store, and checking one without any database.

Positions, times and bytes stay as they were: rows go in by COPY as the owner, the one time the log is written beside
`append()`, and only where the log is empty. What was read back must have the roots of the manifest, or nothing is kept.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg

from application.evidence.checkpoints import Checkpoint
from application.evidence.leaves import EVENT_FIELDS, RECEIPT_FIELDS, Stored, StoredEvent, StoredReceipt, leaf_hash
from domain.merkle import is_included, root_of
from interfaces.audit.beancount import FORMAT as BOOKS
from interfaces.audit.export import FILES, FORMAT, MANIFEST, SIGNATURE, lines_of, signed_text
from interfaces.audit.notes import NoKey, NotSigned, VerifierKey, open_note

_EVENT_COLUMNS = (
    "notification_id, originator_id, originator_version, topic, recorded_at, event_id, tenant, actor, command_id, "
    "correlation_id, causation_id, append_id, append_index, append_size, state"
)
_RECEIPT_COLUMNS = (
    "number, command_id, tenant, actor, key, input_hash, name, "
    "first_log_position, last_log_position, answer, recorded_at"
)
_COPY = {
    "events": f"COPY log.events ({_EVENT_COLUMNS}) FROM STDIN",
    "receipts": f"COPY log.receipts ({_RECEIPT_COLUMNS}) FROM STDIN",
}
_READ = {
    "events": f"SELECT {EVENT_FIELDS} FROM log.events ORDER BY notification_id",  # noqa: S608 - names are constants
    "receipts": f"SELECT {RECEIPT_FIELDS} FROM log.receipts ORDER BY number",  # noqa: S608 - names are constants
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadExport(Exception):
    """The files are not those that were signed, or cannot be taken in here; the message says why."""


def check_export(directory: Path, key: VerifierKey | None) -> str:
    """Check an export without a database; return what it holds. Raises `BadExport`."""
    manifest = _manifest(directory, key)
    if manifest["format"] == BOOKS:
        return _check_books(directory, manifest)
    for name in FILES:
        said = manifest[name]
        digest = sha256((directory / FILES[name]).read_bytes()).hexdigest()
        if digest != said["sha256"]:
            raise BadExport(f"{FILES[name]} is not the file that was signed")
        rows = list(lines_of(directory, name))
        if len(rows) != said["count"] or root_of([leaf_hash(stored) for stored, _ in rows]).hex() != said["root"]:
            raise BadExport(f"{FILES[name]} does not hold what its manifest says")
        if manifest["tenant"] is not None:
            _check_paths(rows, manifest, name=name)
    whose = f"tenant {manifest['tenant']}" if manifest["tenant"] else "the whole log"
    counts = ", ".join(f"{manifest[name]['count']} {name}" for name in FILES)
    return f"{whose}, events {manifest['events']['from']} to {manifest['events']['to']}: {counts}"


def import_log(directory: Path, owner_url: str, *, key: VerifierKey | None) -> int:
    """Fill an empty store with a whole export; return the last log position. Raises `BadExport`."""
    check_export(directory, key)
    manifest = _manifest(directory, key)
    if manifest["format"] != FORMAT or manifest["tenant"] is not None or manifest["events"]["from"] != 1:
        raise BadExport("only an export of the whole log from its first event can be taken in")
    with psycopg.connect(owner_url) as connection:
        for name in FILES:
            counted = connection.execute(f"SELECT count(*) FROM log.{name}".encode()).fetchone()  # noqa: S608 - names are constants
            if counted != (0,):
                raise BadExport("the store is not empty")
        for name in FILES:
            _fill(connection, directory, name)
            found = _rows(connection, name)
            if root_of([leaf_hash(stored) for stored in found]).hex() != manifest[name]["root"]:
                raise BadExport(f"what was taken in of {name} is not what was exported")
    last: int = manifest["events"]["to"]
    return last


def _manifest(directory: Path, key: VerifierKey | None) -> Mapping[str, Any]:
    try:
        text = (directory / MANIFEST).read_text()
        manifest: dict[str, Any] = json.loads(text)
        own = VerifierKey.parse(manifest["key"])
        if key is not None and key != own:
            raise BadExport(f"the export is signed with the key {own.name}, and not with {key.name}")
        if open_note((directory / SIGNATURE).read_text(), own) != signed_text(text) or manifest["format"] not in {
            FORMAT,
            BOOKS,
        }:
            raise BadExport("the manifest is not the one that was signed")
    except (OSError, ValueError, KeyError, NoKey, NotSigned) as error:
        raise BadExport(f"this is no export: {error}") from error
    return manifest


def _check_books(directory: Path, manifest: Mapping[str, Any]) -> str:
    file, events = manifest["file"], manifest["events"]
    if sha256((directory / file["name"]).read_bytes()).hexdigest() != file["sha256"]:
        raise BadExport(f"{file['name']} is not the file that was signed")
    counts = f"{manifest['transactions']} transactions for beancount"
    return f"tenant {manifest['tenant']}, events {events['from']} to {events['to']}: {counts}"


def _check_paths(rows: list[tuple[Stored, list[str] | None]], manifest: Mapping[str, Any], *, name: str) -> None:
    signed = Checkpoint.parse(open_note(manifest["checkpoint"], VerifierKey.parse(manifest["key"])))
    head = signed.events if name == "events" else signed.receipts
    for stored, path in rows:
        steps = [bytes.fromhex(step) for step in path or ()]
        sealed = stored.number <= head.size
        if sealed and not is_included(leaf_hash(stored), stored.number - 1, size=head.size, path=steps, root=head.root):
            raise BadExport(f"number {stored.number} of {name} is not under the checkpoint")


def _fill(connection: psycopg.Connection[Any], directory: Path, name: str) -> None:
    with connection.cursor().copy(_COPY[name].encode()) as copy:
        for stored, _ in lines_of(directory, name):
            copy.write_row(_columns(stored))


def _columns(stored: Stored) -> tuple[object, ...]:
    """Return a row as COPY takes it."""
    moment = _EPOCH + timedelta(microseconds=stored.recorded_us)
    if isinstance(stored, StoredEvent):
        return (*stored[:4], moment, *stored[5:])
    return (*stored[:5], bytes.fromhex(stored.input_hash), *stored[6:10], moment)


def _rows(connection: psycopg.Connection[Any], name: str) -> Iterator[Stored]:
    kind = StoredEvent if name == "events" else StoredReceipt
    with connection.cursor(binary=True) as cursor:
        for row in cursor.execute(_READ[name].encode()):
            yield kind(*row)
