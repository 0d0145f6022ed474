"""A verification that is killed goes on where it was, ends with the same report, and believes no other log's file."""

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from interfaces.audit.resuming import CannotResume
from interfaces.audit.verify import verify
from tests.interfaces.audit.forgery import Books, change, tamper
from tests.interfaces.audit.resumed import SEALS, go_on, interrupt, report_of, wrong_log
from tests.interfaces.audit.sealing import seal
from tests.projections.house import House, projections_of, until

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("small_ranges")]

ROOT = Path(__file__).resolve().parents[3]
_READERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'lastro-audit' AND datname = current_database()"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "verification.progress"


def _text(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def _write(file: Path, text: str) -> None:
    file.write_text(text)


def _lines(file: Path) -> list[dict[str, Any]]:
    """Return the pieces that are written down as done."""
    return [json.loads(line) for line in _text(file).splitlines()[1:]]


@pytest.mark.crash
async def test_a_verification_that_is_killed_goes_on_and_ends_with_the_same_report(books: Books, file: Path) -> None:
    await wrong_log(books)
    uninterrupted = go_on(books.house.urls, None)
    assert {"codec", "guards", "evidence of events", "model users"} <= {one.check for one in uninterrupted.findings}
    command = [sys.executable, "-m", "tests.interfaces.audit.verifier", books.house.urls.projector, str(file)]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=pipe, stdout=pipe)
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"half\n"
    finally:
        process.kill()
        await process.wait()
    assert process.returncode == -signal.SIGKILL
    await until(lambda: _nobody_reads(books.house))  # The helper has gone too.
    done = len(_lines(file))
    verified = go_on(books.house.urls, file)
    assert verified.taken_over == done > 10
    assert report_of(verified) == report_of(uninterrupted)
    assert not _lines(file)


async def _nobody_reads(house: House) -> bool:
    return await house.execute(_READERS) == [(0,)]


async def test_a_line_that_was_torn_is_done_again(books: Books, file: Path) -> None:
    await wrong_log(books)
    interrupt(books.house.urls, file, after=8)
    _write(file, _text(file)[:-20])
    verified = go_on(books.house.urls, file)
    assert verified.taken_over == 7
    assert report_of(verified) == report_of(go_on(books.house.urls, None))


async def test_when_the_log_has_grown_what_was_read_is_taken_over_and_all_the_rest_is_looked_at(
    books: Books, file: Path
) -> None:
    await wrong_log(books)
    interrupt(books.house.urls, file, after=8)
    async with projections_of(books.house.urls):
        await books.house.deposit(books.ana, 100)
        await books.house.caught_up()
    change(books.house.urls, await books.house.store.head(), old="{", new="{ ")
    verified = go_on(books.house.urls, file)
    assert 0 < verified.taken_over < 8
    assert report_of(verified) == report_of(go_on(books.house.urls, None))
    assert verified.findings


async def test_up_to_a_log_position_all_is_taken_over_though_the_log_grows(books: Books, file: Path) -> None:
    async with projections_of(books.house.urls):
        await books.house.caught_up()
        last = await books.house.store.head() - 20
        interrupt(books.house.urls, file, after=8, last=last)
        await books.house.deposit(books.ana, 100)
        await books.house.caught_up()
    verified = go_on(books.house.urls, file, last=last)
    assert verified.taken_over == 8
    assert report_of(verified) == report_of(go_on(books.house.urls, None, last=last))


async def test_a_file_of_other_bytes_is_refused(books: Books, file: Path) -> None:
    interrupt(books.house.urls, file, after=1)
    head = await books.house.store.head()
    tamper(
        books.house.urls,
        "UPDATE log.events SET recorded_at = recorded_at + interval '1 microsecond' WHERE notification_id = %s",
        head,
    )
    with pytest.raises(CannotResume, match=f"at log position {head} it has seen other bytes"):
        go_on(books.house.urls, file)
    assert _lines(file)


async def test_a_file_that_has_read_other_bytes_at_the_end_of_a_range_is_refused(books: Books, file: Path) -> None:
    interrupt(books.house.urls, file, after=8)
    position = min(line["end"][0] for line in _lines(file) if line["end"] is not None)
    change(books.house.urls, position, old="{", new="{ ")
    with pytest.raises(CannotResume, match=f"at log position {position} it has seen other bytes"):
        go_on(books.house.urls, file)


async def test_a_file_of_a_longer_log_is_refused(books: Books, file: Path) -> None:
    interrupt(books.house.urls, file, after=1)
    head = await books.house.store.head()
    tamper(books.house.urls, "DELETE FROM log.events WHERE notification_id = %s", head)
    with pytest.raises(CannotResume, match="other bytes"):
        go_on(books.house.urls, file)


async def test_a_file_of_a_log_that_was_sealed_differently_is_refused(books: Books, file: Path) -> None:
    await seal(books.house)
    interrupt(books.house.urls, file, after=1)
    with psycopg.connect(books.house.urls.owner) as connection:
        connection.execute("ALTER TABLE evidence.checkpoints DISABLE TRIGGER append_only")
        connection.execute("UPDATE evidence.checkpoints SET events_tail = overlay(events_tail PLACING '0' FROM 1)")
    with pytest.raises(CannotResume, match="sealed differently"):
        go_on(books.house.urls, file)


async def test_a_file_of_another_range_and_one_that_is_none_are_refused(books: Books, file: Path) -> None:
    interrupt(books.house.urls, file, after=1)
    with pytest.raises(CannotResume, match="another range"):
        go_on(books.house.urls, file, last=20)
    _write(file, "{}\n")
    with pytest.raises(CannotResume, match="no progress"):
        go_on(books.house.urls, file)


async def test_two_verifications_do_not_write_one_file(books: Books, file: Path) -> None:
    command = [sys.executable, "-m", "tests.interfaces.audit.verifier", books.house.urls.projector, str(file)]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=pipe, stdout=pipe)
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"half\n"
        with pytest.raises(CannotResume, match="another verification"):
            verify(books.house.urls.projector, seals=SEALS, progress=file)
    finally:
        process.kill()
        await process.wait()
