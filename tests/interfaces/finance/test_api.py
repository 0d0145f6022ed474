"""The worker builds by itself, in a process of its own; finance reads over HTTP what was built, and keeps it."""

import csv
import io
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from interfaces.postgres.configuration import Urls
from tests.interfaces.api.answers import problem
from tests.interfaces.api.entries import BANK, capital
from tests.interfaces.api.installation import House, Installation, installed, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
STATEMENTS = ("balance-sheet", "income", "trial-balance", "cash-flow", f"ledger/{BANK}")


@pytest.fixture(scope="module")
def scheduled(shared_database: Urls) -> Iterator[Installation]:
    """An installation whose worker builds every second in which something new was written."""
    assert shared_database.finance is not None
    with tempfile.TemporaryDirectory() as folder:
        data = {"LASTRO_DATA": str(Path(folder) / "data")}
        settings = {"LASTRO_FINANCE_URL": shared_database.finance, "LASTRO_FINANCE_EVERY_S": "1", **data}
        with installed(shared_database, Path(folder), **settings) as running:
            yield running


@pytest.fixture(scope="module")
def house(scheduled: Installation) -> House:
    """A tenant with an entry that the worker has built."""
    house = scheduled.a_house()
    problem(house.finance.get("finance/balance-sheet"), 404, "nothing_built")
    position = house.finance.post("ledger/entries", capital()).json()["log_position"]
    log = scheduled.home / "worker.log"
    until(lambda: built(scheduled) >= position, said=log, within_s=300)
    return house


def built(scheduled: Installation) -> int:
    finance = scheduled.nobody.get("/health/ready").json()["finance"]
    return 0 if finance is None else int(finance["log_position"])


def test_every_statement_names_its_log_position_and_build(house: House) -> None:
    for name in STATEMENTS:
        answer = house.finance.get(f"finance/{name}")
        body = answer.json()
        assert answer.headers["X-Log-Position"] == str(body["log_position"])
        assert body["checked"] is True
        assert bool(body["rows"]) == (name != "income"), "capital is no income"
        assert all([*row] == body["columns"] for row in body["rows"])


def test_statements_are_kept_as_files(house: House) -> None:
    for name in STATEMENTS:
        kept = house.finance.get(f"finance/{name}", format="csv")
        assert kept.headers["content-type"].startswith("text/csv")
        assert kept.headers["content-disposition"].startswith("attachment")
        rows = list(csv.reader(io.StringIO(kept.text)))
        assert rows[0] == house.finance.get(f"finance/{name}").json()["columns"]
        book = house.finance.get(f"finance/{name}", format="xlsx")
        assert zipfile.ZipFile(io.BytesIO(book.content)).testzip() is None


def test_another_tenant_sees_nothing_of_it(scheduled: Installation, house: House) -> None:
    own = house.finance.get("finance/trial-balance").json()["rows"]
    assert own
    assert scheduled.a_house().finance.get("finance/trial-balance").json()["rows"] == []


def test_a_month_and_a_moment_are_not_asked_for_together(house: House) -> None:
    answer = house.finance.get("finance/income", month="2026-03", as_of="2026-03-05T00:00:00Z")
    problem(answer, 422, "month_or_as_of")


def test_metrics_say_when_what_was_built(scheduled: Installation, house: House) -> None:
    assert house.finance.get("finance/build").json()["findings"] == 0
    shown = scheduled.nobody.get("/metrics").text
    assert "lastro_finance_sound 1.0" in shown
    (position,) = (line.split()[1] for line in shown.splitlines() if line.startswith("lastro_finance_log_position "))
    assert float(position) > 0
