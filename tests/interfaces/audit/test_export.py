"""An export is read without Lastro, taken in again byte for byte, and refused when anything in it was changed."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from interfaces.audit.export import MANIFEST, SIGNATURE, CannotExport, cut_of, export, signed_text
from interfaces.audit.imports import BadExport, check_export, import_log
from interfaces.audit.notary import FileNotary
from interfaces.audit.snapshot import open_snapshot
from interfaces.audit.verify import verify
from interfaces.postgres import migrations
from interfaces.postgres.configuration import Urls
from tests.interfaces.audit.forgery import Books
from tests.interfaces.audit.sealing import NOTARY, seal
from tests.projections.house import House, a_house

pytestmark = pytest.mark.anyio

EVERY_FILE = ("events.ndjson", "receipts.ndjson", "manifest.json", "manifest.note")


def exported(
    house: House, directory: Path, *, first: int = 1, last: int | None = None, tenant: str | None = None
) -> Path:
    with closing(open_snapshot(house.urls.projector)) as snapshot:
        export(snapshot, directory, cut_of(snapshot, first, last, tenant=tenant), notary=NOTARY)
    return directory


@contextmanager
def rows_of(urls: Urls) -> Iterator[list[object]]:
    with psycopg.connect(urls.owner) as connection:
        yield [
            *connection.execute("SELECT * FROM log.events ORDER BY notification_id").fetchall(),
            *connection.execute("SELECT * FROM log.receipts ORDER BY number").fetchall(),
        ]


async def test_a_log_that_was_exported_and_taken_in_is_the_same_log(
    books: Books, empty_database: Urls, tmp_path: Path
) -> None:
    directory = exported(books.house, tmp_path / "export")
    migrations.migrate(empty_database.owner)
    assert import_log(directory, empty_database.owner, key=NOTARY.key) == await books.house.store.head()
    with rows_of(books.house.urls) as before, rows_of(empty_database) as after:
        assert before == after
    assert verify(empty_database.projector).is_sound
    async with a_house(empty_database) as again:
        await again.deposit(books.bob, 100)
        assert await again.store.head() == await books.house.store.head(), "the same command was done in the other life"
        await replace(again, _number=1_000).deposit(books.bob, 100)
        assert await again.store.head() == await books.house.store.head() + 1, "and another goes on from there"
    for name in ("events.ndjson", "receipts.ndjson"):
        second = exported(books.house, tmp_path / f"again {name}")
        assert (second / name).read_bytes() == (directory / name).read_bytes()


async def test_only_an_empty_store_takes_an_export_in(books: Books, tmp_path: Path) -> None:
    directory = exported(books.house, tmp_path / "export")
    with pytest.raises(BadExport):
        import_log(directory, books.house.urls.owner, key=None)


@pytest.mark.parametrize("name", EVERY_FILE)
async def test_an_export_in_which_anything_was_changed_is_refused(books: Books, tmp_path: Path, name: str) -> None:
    directory = exported(books.house, tmp_path / "export")
    assert "the whole log" in check_export(directory, NOTARY.key)
    content = (directory / name).read_text()
    for changed in (content.replace("1", "2", 1), f" {content}", content[:-2], ""):
        (directory / name).write_text(changed)
        with pytest.raises(BadExport):
            check_export(directory, NOTARY.key)
    (directory / name).unlink()
    with pytest.raises((BadExport, FileNotFoundError)):
        check_export(directory, NOTARY.key)


async def test_an_export_signed_by_somebody_else_is_refused(books: Books, tmp_path: Path) -> None:
    directory = exported(books.house, tmp_path / "export")
    with pytest.raises(BadExport):
        check_export(directory, FileNotary(Ed25519PrivateKey.generate()).key)


async def test_a_range_cuts_no_append_and_a_part_is_not_taken_in(
    books: Books, empty_database: Urls, tmp_path: Path
) -> None:
    events = (await books.house.store.read_after(0, limit=1_000)).events
    inside = next(event.log_position for event in events if event.append_size > 1 and event.append_index == 1)
    with pytest.raises(CannotExport):
        exported(books.house, tmp_path / "cut at its end", last=inside)
    with pytest.raises(CannotExport):
        exported(books.house, tmp_path / "cut at its beginning", first=inside + 1)
    with pytest.raises(CannotExport):
        exported(books.house, tmp_path / "beyond", last=events[-1].log_position + 1)
    part = exported(books.house, tmp_path / "part", first=inside)
    migrations.migrate(empty_database.owner)
    with pytest.raises(BadExport):
        import_log(part, empty_database.owner, key=None)
    with pytest.raises(CannotExport):
        exported(books.house, part)


async def test_one_tenants_export_holds_its_rows_only_each_under_the_checkpoint(books: Books, tmp_path: Path) -> None:
    await seal(books.house)
    directory = exported(books.house, tmp_path / "export", tenant="acme")
    assert "tenant acme" in check_export(directory, NOTARY.key)
    lines = [json.loads(line) for line in (directory / "events.ndjson").read_text().splitlines()]
    assert {line["tenant"] for line in lines} == {"acme"}
    assert all(line["path"] for line in lines)
    lines[0]["path"] = lines[1]["path"]
    with pytest.raises(BadExport):
        check_export(rewritten(directory, lines), NOTARY.key)


def rewritten(directory: Path, lines: list[dict[str, object]]) -> Path:
    """Write other lines and sign them as the export's own: only the checkpoint can tell."""
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (directory / "events.ndjson").write_text(text)
    manifest = json.loads((directory / MANIFEST).read_text())
    manifest["events"]["sha256"] = sha256(text.encode()).hexdigest()
    signed = json.dumps(manifest)
    (directory / MANIFEST).write_text(signed)
    (directory / SIGNATURE).write_text(NOTARY.sign(signed_text(signed)))
    return directory
