"""Pages of origins that a setting names may call the API, and no others; TLS is insisted on where it is spoken."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.interfaces.api.callers import V1, Caller
from tests.interfaces.api.installation import Installation, an_api

OURS, OTHERS = "https://app.example.org", "https://evil.example"


@pytest.fixture(scope="module")
def shared(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A process that pages of one origin may call."""
    settings = {**installation.settings, "LASTRO_CORS_ORIGINS": f'["{OURS}"]'}
    home: Path = tmp_path_factory.mktemp("shared")
    with an_api(settings, home) as client:
        yield client


def preflight(http: httpx.Client, origin: str, *, headers: str = "authorization,idempotency-key") -> httpx.Response:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": headers}
    return http.options(f"{V1}/transfers", headers=asked)


def test_a_page_of_a_named_origin_may_ask_and_read(shared: httpx.Client) -> None:
    answer = preflight(shared, OURS)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == OURS
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    refused = shared.get(f"{V1}/me", headers={"Origin": OURS})
    assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (401, OURS)
    assert "X-Log-Position" in refused.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in refused.headers, (
        "tokens are sent on purpose, cookies by themselves"
    )
    text = shared.post(f"{V1}/auth/login", content="x", headers={"Content-Type": "text/plain", "Origin": OURS})
    assert (text.status_code, text.headers["Access-Control-Allow-Origin"]) == (415, OURS)


def test_a_page_of_another_origin_may_neither_ask_nor_read(shared: httpx.Client) -> None:
    answer = preflight(shared, OTHERS)
    assert answer.status_code == 400
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Access-Control-Allow-Origin" not in shared.get(f"{V1}/me", headers={"Origin": OTHERS}).headers
    assert preflight(shared, OURS, headers="x-other").status_code == 400


def test_without_the_setting_no_page_may(nobody: Caller) -> None:
    answer = preflight(nobody.http, OURS)
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_browsers_are_told_to_stay_on_tls_when_they_came_over_it(nobody: Caller) -> None:
    over_tls = nobody.http.get("/health/live", headers={"X-Forwarded-Proto": "https"})
    assert over_tls.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "Strict-Transport-Security" not in nobody.http.get("/health/live").headers
