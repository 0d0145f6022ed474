"""`lastro audit verify` as a process: a range that is killed halfway is taken up again by the next command."""

import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from interfaces.postgres.configuration import Urls
from tests.interfaces.audit.forgery import change, some_books
from tests.interfaces.audit.standing import halfway, until_it_stands, until_nobody_verifies
from tests.interfaces.cli.command import Lastro
from tests.projections.house import House, a_house, projections_of

pytestmark = pytest.mark.anyio

FIRST = 5


@pytest.fixture
async def house(database: Urls) -> AsyncIterator[House]:
    """Books in which a little of everything has happened, with all read models."""
    async with a_house(database) as made:
        await some_books(made)
        async with projections_of(made.urls):
            await made.caught_up()
        yield made


@pytest.fixture
def lastro(home: Path, database: Urls) -> Lastro:
    return Lastro.over(database, home)


def timeless(report: dict[str, Any]) -> dict[str, Any]:
    """Return a report without what depends on the run."""
    left_out = {"seconds", "events_per_s", "taken_over"}
    checks = [{name: said for name, said in check.items() if name != "seconds"} for check in report["checks"]]
    return {**{name: said for name, said in report.items() if name not in left_out}, "checks": checks}


@pytest.mark.crash
async def test_a_range_whose_verification_was_killed_is_gone_on_with_by_the_next_command(
    house: House, lastro: Lastro
) -> None:
    last = await house.store.head() - 5
    wrong = last - 10
    change(house.urls, wrong, old="{", new="{ ")
    words = ("audit", "verify", "--from", str(FIRST), "--to", str(last), "--json")
    file = lastro.data / f"verification-{FIRST}-{last}.progress"
    with halfway(house.urls), lastro.started(*words) as verifying:
        until_it_stands(house.urls)
        verifying.process.kill()
        assert verifying.process.wait() == -signal.SIGKILL
    until_nobody_verifies(house.urls)
    pieces = [json.loads(line)["piece"] for line in file.read_text().splitlines()[1:]]
    assert "receipts" in pieces
    assert "ledger" not in pieces
    other = lastro("audit", "verify", "--from", str(FIRST), "--json", "--resume", str(file))
    assert (other.status, "another range" in other.errors) == (2, True)
    gone_on = lastro(*words)
    assert gone_on.status == 1
    assert gone_on.answer["taken_over"] == len(pieces)
    assert gone_on.answer["first_wrong"]["log_position"] == wrong
    assert not file.exists()
    whole = lastro(*words)
    assert whole.answer["taken_over"] == 0
    assert timeless(whole.answer) == timeless(gone_on.answer)
