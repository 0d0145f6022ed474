"""Read models looked after over HTTP: asked for by an administrator, done by a worker, followed as they go."""

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from domain.users import Role
from interfaces.postgres.configuration import Urls
from projections.models import PROJECTIONS
from tests.interfaces.api.answers import body, items, problem
from tests.interfaces.api.callers import V1, Caller
from tests.interfaces.api.entries import capital
from tests.interfaces.api.installation import an_api, until
from tests.interfaces.api.office import MASTER_KEY, Office
from tests.interfaces.api.processes import running

PATH = "admin/projections"
ROLES = (Role.ADMIN, Role.FINANCE)


@pytest.fixture
def settings(database: Urls, tmp_path: Path) -> dict[str, str]:
    key = tmp_path / "master.key"
    key.write_bytes(b64encode(MASTER_KEY))
    return {
        "LASTRO_DATABASE_URL": database.app,
        "LASTRO_OWNER_URL": database.owner,
        "LASTRO_PROJECTOR_URL": database.projector,
        "LASTRO_MASTER_KEY_FILE": str(key),
        "LASTRO_EVIDENCE_KEY_FILE": str(key),
    }


@pytest.fixture
def office(database: Urls) -> Iterator[Office]:
    with Office(database) as opened:
        for tenant in ("acme", "other"):
            opened.create_tenant(tenant)
        yield opened


def an_admin(office: Office, http: httpx.Client, tenant: str) -> Caller:
    user = {"acme": "a", "other": "b"}[tenant] * 32
    office.create_user(tenant, user, ROLES, email=f"{user}@example.org", password=None)
    return Caller(http=http, user=user, token=office.token(tenant, user, ROLES))


def ask(caller: Caller, act: str, *models: str, key: str = "") -> httpx.Response:
    return caller.post(f"{PATH}/jobs", {"act": act, "models": list(models)}, key=key)


def followed(caller: Caller, job: str) -> list[tuple[str, dict[str, Any]]]:
    """Follow a job to its end; return the events as (name, data)."""
    url, headers = f"{V1}/{PATH}/jobs/{job}/progress", {"Authorization": f"Bearer {caller.token}"}
    with caller.http.stream("GET", url, headers=headers, timeout=60) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        text = "".join(answer.iter_text())
    events = [block.split("\n") for block in text.strip().split("\n\n")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in events]


def done(caller: Caller, act: str, *models: str) -> dict[str, Any]:
    """Ask for an act and return the job when it has ended."""
    name, job = followed(caller, body(ask(caller, act, *models), 201)["id"])[-1]
    assert name == "ended"
    return job


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_an_administrator_asks_a_worker_does_and_everybody_may_go_on_reading(
    *, settings: dict[str, str], office: Office, database: Urls, tmp_path: Path
) -> None:
    with an_api(settings, tmp_path) as http:
        admin, stranger = an_admin(office, http, "acme"), an_admin(office, http, "other")
        assert {one["state"] for one in items(admin.get(PATH))} == {"missing"}
        asked = body(ask(admin, "rebuild", "accounts", "journal", key="k"), 201)
        assert (asked["state"], asked["asked_by"]) == ("waiting", admin.user)
        assert body(ask(admin, "rebuild", "accounts", "journal", key="k"), 201)["id"] == asked["id"]
        problem(ask(stranger, "rebuild", "users"), 409, "job_under_way")
        problem(stranger.get(f"{PATH}/jobs/{asked['id']}"), 404, "unknown_job")
        problem(ask(admin, "rebuild", "nothing"), 422, "invalid_request")
        with running("worker", settings, log=tmp_path / "worker.log"):
            first, *_, (name, ended) = followed(admin, asked["id"])
            assert (first[0], name) == ("progress", "ended")
            assert (ended["state"], ended["goal"] > 0) == ("done", True)
            assert ended["log_position"] == ended["goal"]
            until(lambda: {one["state"] for one in items(admin.get(PATH))} == {"running"})
            posted = admin.post("ledger/entries", capital("7"))
            assert body(admin.get("ledger/entries", after=posted))["items"]
            assert done(admin, "rebuild", *PROJECTIONS)["state"] == "done"
            assert done(admin, "compare", "accounts")["answer"]["compared"][0]["equal"]
            assert done(admin, "rollback", "accounts")["answer"]["live"][0].startswith("accounts_g")
            _differences_are_shown_to_their_tenant_only(admin, stranger, database)


def _differences_are_shown_to_their_tenant_only(admin: Caller, stranger: Caller, database: Urls) -> None:
    """Whoever acts for a tenant changes no row that anybody sees, and sees no row of another."""
    with psycopg.connect(database.owner) as connection:
        row = connection.execute("SELECT number FROM projection.generations WHERE name = 'accounts' AND role = 'live'")
        number = row.fetchone()
        assert number is not None
        connection.execute(f"UPDATE accounts_g{number[0]}.balances SET units = 5 WHERE tenant = 'acme'")  # noqa: S608 - a number of ours
    for act in ("rebuild", "switch", "rollback", "drop"):
        refused = done(admin, act, "accounts")
        assert (refused["state"], refused["answer"]["code"]) == ("refused", "generations_differ"), act
        assert {one["row"]["tenant"] for one in refused["answer"]["differences"]} == {"acme"}
    assert done(stranger, "switch", "accounts")["answer"]["differences"] == []
    assert any(one["state"] == "candidate" for one in items(admin.get(PATH)))
