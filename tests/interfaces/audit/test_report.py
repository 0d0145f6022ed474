"""What the command prints and how it ends: 0 nothing found, 1 a finding, 2 the audit itself could not run."""

import json
from io import StringIO

import pytest
from rich.console import Console

from interfaces.audit.report import show
from interfaces.audit.verify import verify
from interfaces.cli.audit import verify_database
from interfaces.postgres.configuration import Urls
from tests.interfaces.audit.forgery import Books, change, tamper

pytestmark = pytest.mark.anyio


def drop_last_event(books: Books) -> None:
    tamper(
        books.house.urls,
        "DELETE FROM log.events WHERE notification_id = (SELECT max(notification_id) FROM log.events)",
    )


async def test_sound_books_are_one_json_object_and_exit_0(books: Books, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify_database(books.house.urls.projector, as_json=True) == 0
    printed = capsys.readouterr()
    report = json.loads(printed.out)
    assert report["sound"] is True
    assert report["log_position"] == await books.house.store.head()
    assert all(check["says"] and check["found"] == 0 for check in report["checks"])
    assert printed.err.splitlines()[-1] == "verifying: 100 %"


async def test_a_finding_is_exit_1_and_names_check_and_place(books: Books, capsys: pytest.CaptureFixture[str]) -> None:
    head = await books.house.store.head()
    drop_last_event(books)
    assert verify_database(books.house.urls.projector, as_json=True) == 1
    report = json.loads(capsys.readouterr().out)
    (check,) = (check for check in report["checks"] if check["found"])
    assert (check["check"], check["findings"][0]["log_position"]) == ("receipts", head)
    assert report["sound"] is False
    assert report["first_wrong"] == {"check": "receipts", **check["findings"][0]}


def test_an_audit_that_cannot_run_is_exit_2(empty_database: Urls, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify_database(empty_database.projector, as_json=True) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "UndefinedTable" in printed.err


async def test_people_read_a_line_per_check_and_every_finding(books: Books) -> None:
    head = await books.house.store.head()
    drop_last_event(books)
    verified = verify(books.house.urls.projector)
    printed = StringIO()
    show(verified, Console(width=150, file=printed))
    text = printed.getvalue()
    assert all(check.check in text for check in verified.checks)
    assert f"receipts, log position {head}: receipt" in text
    ending = f"Not everything holds: 1 found. The first wrong log position is {head} (receipts)."
    assert text.splitlines()[-1].startswith(ending)


async def test_of_several_findings_the_one_at_the_lowest_log_position_is_named_first(books: Books) -> None:
    drop_last_event(books)
    change(books.house.urls, 40, old="{", new="{ ")
    first = verify(books.house.urls.projector).first_wrong
    assert first is not None
    assert (first.check, first.log_position) == ("codec", 40)


async def test_of_many_findings_the_first_are_shown_and_all_are_counted(books: Books) -> None:
    for _ in range(60):
        await books.house.deposit(books.ana, 1)
    tamper(books.house.urls, "UPDATE log.receipts SET key = 'another'")
    (check,) = (check for check in verify(books.house.urls.projector).checks if check.found)
    ((receipts,),) = await books.house.execute("SELECT count(*) FROM log.receipts")
    assert check.found == receipts
    places = [finding.log_position for finding in check.findings]
    assert len(places) == 20
    assert places[:2] == [1, 2]
