"""What operators look at, and what a process does when it is told to end or something it needs is gone."""

import signal
import time
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest

from domain.users import Role
from interfaces.postgres.configuration import Urls
from tests.interfaces.api.answers import MEMBERS, body, problem
from tests.interfaces.api.callers import V1, Caller
from tests.interfaces.api.entries import capital
from tests.interfaces.api.installation import (
    METRICS_TOKEN,
    PASSWORD,
    House,
    Installation,
    an_api,
    free_port,
    is_live,
    until,
)
from tests.interfaces.api.office import MASTER_KEY, Office
from tests.interfaces.api.processes import running


def test_a_process_is_live_and_ready(installation: Installation, nobody: Caller) -> None:
    assert nobody.get("/health/live").json() == {"status": "live"}
    until(lambda: {one["kind"] for one in nobody.get("/health/ready").json()["parts"]} >= {"projection", "policy"})
    ready = nobody.get("/health/ready").json()
    assert ready["status"] == "ready"
    assert {one["state"] for one in ready["parts"]} == {"running"}
    assert installation.home.joinpath("worker.log").exists()


def test_metrics_count_answers_by_operation_and_show_the_worker(nobody: Caller, finance: Caller) -> None:
    body(finance.post("ledger/entries", capital()), 201)
    text = nobody.get("/metrics").text
    for name in (
        'lastro_api_answers_total{operation="post_entry",status="201"}', 'lastro_api_seconds_bucket{le="0.005"',
        "lastro_committer_waiting", 'lastro_follower_lag_seconds{kind="projection"', 'kind="policy",name="execution"',
    ):  # fmt: skip
        assert name in text
    assert finance.user not in text


def test_metrics_are_for_loopback_or_a_bearer_of_their_own(nobody: Caller) -> None:
    answer = nobody.http.get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
    assert answer.headers["content-type"].startswith("text/plain")
    assert nobody.http.get("/metrics", headers={b"Authorization": b"Bearer \xe9"}).status_code == 200


def test_every_answer_has_headers_that_keep_it_private(nobody: Caller, finance: Caller) -> None:
    text = nobody.http.post(f"{V1}/auth/login", content="x", headers={"Content-Type": "text/plain"})
    typed = {"Content-Type": "application/json"}
    large = nobody.http.post(f"{V1}/auth/login", content=b"1" * (1024 * 1024 + 1), headers=typed)
    refused = finance.post("ledger/entries", {"kind": "x"})
    assert [text.status_code, large.status_code, refused.status_code] == [415, 413, 422]
    answers = [finance.get("balances"), finance.get("assets"), nobody.get("/docs"), nobody.get("/nothing")]
    for answer in (*answers, nobody.get("me"), text, large, refused):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Strict-Transport-Security" not in answer.headers, "this was not over TLS"
        assert len(answer.headers["X-Request-Id"]) == 32
        assert "server" not in answer.headers


@pytest.fixture
def settings(database: Urls, tmp_path: Path) -> dict[str, str]:
    """The settings of processes on a database of this test's own."""
    key = tmp_path / "master.key"
    key.write_bytes(b64encode(MASTER_KEY))
    return {
        "LASTRO_DATABASE_URL": database.app,
        "LASTRO_OWNER_URL": database.owner,
        "LASTRO_PROJECTOR_URL": database.projector,
        "LASTRO_MASTER_KEY_FILE": str(key),
    }


@pytest.fixture
def office(database: Urls) -> Iterator[Office]:
    with Office(database) as opened:
        opened.create_tenant("acme")
        yield opened


def test_a_bug_is_answered_with_an_id_and_nothing_more_and_logged_without_secrets(
    *, settings: dict[str, str], office: Office, database: Urls, tmp_path: Path
) -> None:
    office.create_user("acme", "a" * 32, [Role.TRADER], email="ana@example.org", password=PASSWORD)
    with an_api(settings, tmp_path) as http:
        with psycopg.connect(database.owner) as connection:
            connection.execute("ALTER TABLE vault.sessions RENAME TO mislaid")
        login = {"tenant": "acme", "email": "ana@example.org", "password": PASSWORD}
        answer = http.post(f"{V1}/auth/login", json=login)
        said = problem(answer, 500, "internal_error")
        assert said.keys() == MEMBERS
        assert "sessions" not in answer.text
        metrics = http.get("/metrics").text
    assert 'lastro_api_answers_total{operation="login",status="500"}' in metrics
    logged = (tmp_path / "api.log").read_text()
    assert said["request_id"] in logged
    for secret in (PASSWORD, "ana@example.org", "argon2"):
        assert secret not in logged


def test_told_to_end_a_process_answers_what_is_under_way_and_ends_in_time(
    settings: dict[str, str], office: Office, tmp_path: Path
) -> None:
    user, port = "a" * 32, free_port()
    office.create_user("acme", user, [Role.FINANCE], email="ana@example.org", password=None)
    token = office.token("acme", user, [Role.FINANCE])
    with (
        running("api", {**settings, "LASTRO_API_PORT": str(port)}, log=tmp_path / "api.log") as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as http,
    ):
        until(lambda: is_live(http), said=tmp_path / "api.log")
        caller = Caller(http=http, user=user, token=token)
        with ThreadPoolExecutor(1) as threads:
            # Without a worker nothing is ever read, so this request is under way for five seconds.
            waiting = threads.submit(lambda: caller.get("ledger/entries", after=1))
            until(lambda: body(caller.post("ledger/entries", capital()), 201))
            started = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == 0
            assert time.monotonic() - started < 10
            problem(waiting.result(), 503, "position_not_reached")


def test_without_its_database_a_process_answers_503_and_comes_back(
    *, settings: dict[str, str], office: Office, database: Urls, tmp_path: Path
) -> None:
    user = "a" * 32
    office.create_user("acme", user, [Role.FINANCE], email="ana@example.org", password=None)
    with an_api(settings, tmp_path) as http:
        caller = Caller(http=http, user=user, token=office.token("acme", user, [Role.FINANCE]))
        body(caller.post("ledger/entries", capital()), 201)
        with psycopg.connect(database.owner, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name LIKE 'lastro-api%'"
            )
        statuses = {caller.post("ledger/entries", capital()).status_code for _ in range(3)}
        assert statuses <= {201, 503}
        until(lambda: caller.post("ledger/entries", capital()).status_code == 201)


def test_a_house_is_served_by_either_process(house: House) -> None:
    for http in house.installation.apis:
        body(house.finance.at(http).get("me"))
