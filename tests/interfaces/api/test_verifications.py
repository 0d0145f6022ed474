"""Verifications over HTTP: asked for by an auditor, run by a worker, followed, gone on with after a kill."""

import json
import signal
from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from domain.users import Role
from interfaces.postgres.configuration import Urls
from projections.models import PROJECTIONS
from tests.interfaces.api.answers import body, items, pointers, problem
from tests.interfaces.api.callers import Caller
from tests.interfaces.api.installation import an_api, until
from tests.interfaces.api.office import MASTER_KEY, Office
from tests.interfaces.api.processes import running
from tests.interfaces.api.test_lists import walk
from tests.interfaces.audit.forgery import change
from tests.interfaces.audit.standing import halfway, until_it_stands, until_nobody_verifies
from tests.interfaces.cli.command import lives

PATH = "audit/verifications"
WHOLE: Mapping[str, int] = {}
USERS = {"acme": "a" * 32, "other": "b" * 32}
_LIVE = "SELECT count(*) FROM projection.generations WHERE role = 'live' AND log_position >= %s"
_LAST = "SELECT max(notification_id) FROM log.events WHERE tenant = %s"


@pytest.fixture
def settings(database: Urls, tmp_path: Path) -> dict[str, str]:
    key = tmp_path / "master.key"
    key.write_bytes(b64encode(MASTER_KEY))
    return {
        "LASTRO_DATA": str(tmp_path / "data"),
        "LASTRO_DATABASE_URL": database.app,
        "LASTRO_OWNER_URL": database.owner,
        "LASTRO_PROJECTOR_URL": database.projector,
        "LASTRO_MASTER_KEY_FILE": str(key),
        "LASTRO_EVIDENCE_KEY_FILE": str(key),
    }


@pytest.fixture
def office(database: Urls) -> Iterator[Office]:
    with Office(database) as opened:
        for tenant, user in USERS.items():
            opened.create_tenant(tenant)
            opened.create_user(tenant, user, (Role.AUDITOR,), email=f"{user}@example.org", password=None)
        yield opened


def auditor(office: Office, http: httpx.Client, tenant: str) -> Caller:
    return Caller(http=http, user=USERS[tenant], token=office.token(tenant, USERS[tenant], (Role.AUDITOR,)))


def ask(caller: Caller, bounds: Mapping[str, int] = WHOLE, *, key: str = "") -> dict[str, Any]:
    return body(caller.post(PATH, bounds, key=key), 202)


def look(caller: Caller, run: str) -> dict[str, Any]:
    return body(caller.get(f"{PATH}/{run}"))


def ended(caller: Caller, run: str) -> dict[str, Any]:
    """Wait for the end of a run and return it."""
    until(lambda: look(caller, run)["ended_at"] is not None)
    return look(caller, run)


def one(database: Urls, query: str, parameter: object) -> int:
    with psycopg.connect(database.owner) as connection:
        row = connection.execute(query.encode(), (parameter,)).fetchone()
    assert row is not None
    return int(row[0])


def check(report: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (each for each in report["checks"] if each["check"] == name)
    return dict(found)


def children_of(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def all_is_read(database: Urls) -> bool:
    head = one(database, "SELECT max(notification_id) FROM log.events WHERE %s", True)
    return one(database, _LIVE, head) == len(PROJECTIONS)


@pytest.mark.crash
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_run_whose_worker_is_killed_is_gone_on_with_and_shows_its_own_tenants_findings(
    *, settings: dict[str, str], office: Office, database: Urls, tmp_path: Path
) -> None:
    log = tmp_path / "worker.log"
    with an_api(settings, tmp_path) as http:
        mine, theirs = auditor(office, http, "acme"), auditor(office, http, "other")
        _what_is_not_asked_well_is_refused(mine)
        with running("worker", settings, log=log) as worker:
            until(lambda: all_is_read(database), said=log)
            places = {tenant: one(database, _LAST, tenant) for tenant in USERS}
            for place in places.values():
                change(database, place, old="{", new="{ ")
            with halfway(database):
                asked = ask(mine, key="k")
                assert (asked["state"], asked["asked_by"], asked["report"]) == ("waiting", mine.user, None)
                until_it_stands(database)
                until(lambda: look(mine, asked["id"])["progress"]["done"] > 0)
                (verifying,) = children_of(worker.pid)
                worker.kill()
                assert worker.wait() == -signal.SIGKILL
                until(lambda: not lives(verifying))
        until_nobody_verifies(database)
        _while_one_runs_no_other_is_taken(mine, theirs, asked)
        (file,) = (tmp_path / "data").glob("verification-*.progress")
        done = len(file.read_text().splitlines()) - 1
        assert done > 0
        with running("worker", settings, log=log):
            run = ended(mine, asked["id"])
            assert (run["state"], run["refusal"], run["sound"]) == ("done", None, False), log.read_text()
            assert run["report"]["taken_over"] == done
            assert not file.exists()
            _each_tenant_sees_its_own(theirs, run=run, places=places)
            _a_range_is_judged(mine, places["acme"])


def _what_is_not_asked_well_is_refused(caller: Caller) -> None:
    assert pointers(problem(caller.post(PATH, {"from": 0}), 422, "invalid_request")) == ["/from"]
    problem(caller.post(PATH, {"from": 5, "to": 4}), 422, "invalid_request")
    problem(caller.post(PATH, {"to": 10**9}), 409, "no_such_range")
    problem(caller.get(f"{PATH}/{'0' * 32}"), 404, "unknown_verification")
    assert items(caller.get(PATH)) == []


def _while_one_runs_no_other_is_taken(mine: Caller, theirs: Caller, asked: dict[str, Any]) -> None:
    assert look(mine, asked["id"])["state"] == "running"
    assert ask(mine, key="k")["id"] == asked["id"]
    problem(mine.post(PATH, {"from": 2}, key="k"), 422, "idempotency_key_reused")
    for caller in (mine, theirs):
        problem(caller.post(PATH, {}), 409, "job_under_way")


def _each_tenant_sees_its_own(theirs: Caller, *, run: dict[str, Any], places: dict[str, int]) -> None:
    codec = check(run["report"], "codec")
    assert [found["log_position"] for found in codec["findings"]] == [places["acme"]]
    assert (codec["found"], codec["of_others"]) == (2, 1)
    problem(theirs.get(f"{PATH}/{run['id']}"), 404, "unknown_verification")
    assert items(theirs.get(PATH)) == []
    other = ended(theirs, ask(theirs)["id"])
    assert USERS["acme"] not in json.dumps(other)
    codec = check(other["report"], "codec")
    assert [found["log_position"] for found in codec["findings"]] == [places["other"]]


def _a_range_is_judged(mine: Caller, place: int) -> None:
    asked = ask(mine, {"from": place, "to": place})
    run = ended(mine, asked["id"])
    report = run["report"]
    assert (report["from"] <= place <= report["log_position"], check(report, "codec")["found"]) == (True, 1)
    before = ended(mine, ask(mine, {"to": 1})["id"])
    assert (before["sound"], check(before["report"], "codec")["found"]) == (True, 0)
    listed = walk(mine, PATH, after=0, limit=1)
    assert [each["id"] for each in listed][:2] == [before["id"], run["id"]]
    assert {name: run[name] for name in listed[1]} == listed[1]
    problem(mine.get(f"admin/projections/jobs/{run['id']}"), 403, "role_not_allowed")
