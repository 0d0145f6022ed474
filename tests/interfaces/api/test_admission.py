"""Nobody makes us read a body before we know that they may send it: the refusal does not wait for the body."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from domain.users import Role
from interfaces.api.roles import ROLES
from tests.interfaces.api.callers import V1, Caller
from tests.interfaces.api.installation import House, Installation, an_api

PROMISED = 1_000_000
WITHIN_S = 5.0
SILENT_S = 0.3


@pytest.fixture(scope="session")
def with_bodies(installation: Installation) -> Mapping[str, tuple[str, str]]:
    """Method and path of every operation that reads JSON, as the server lists them."""
    paths: dict[str, dict[str, Any]] = installation.nobody.get("/openapi.json").json()["paths"]
    return {
        operation["operationId"]: (method.upper(), path.replace("{id}", "0" * 32))
        for path, methods in paths.items()
        for method, operation in methods.items()
        if "requestBody" in operation
    }


@contextmanager
def promising_a_body(caller: Caller, method: str, path: str) -> Iterator[HTTPConnection]:
    """Send the head of a request and nothing of the body that it announces."""
    at = urlsplit(str(caller.http.base_url))
    with closing(HTTPConnection(str(at.hostname), at.port, timeout=WITHIN_S)) as connection:
        connection.putrequest(method, path)
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(PROMISED))
        connection.putheader("Idempotency-Key", "k")
        if caller.token is not None:
            connection.putheader("Authorization", f"Bearer {caller.token}")
        connection.endheaders()
        yield connection


def answer(caller: Caller, method: str, path: str) -> HTTPResponse:
    """Return what is answered to a head alone. Raises TimeoutError where the body is waited for."""
    with promising_a_body(caller, method, path) as connection:
        said = connection.getresponse()
        said.read()
        return said


def test_without_a_good_token_no_body_is_waited_for(
    house: House, nobody: Caller, with_bodies: Mapping[str, tuple[str, str]]
) -> None:
    assert house.finance.token is not None
    behind_a_token = [at for operation, at in with_bodies.items() if ROLES[operation] is not None]
    assert len(behind_a_token) >= 20
    for method, path in behind_a_token:
        for token in (None, "x", house.finance.token[:-4] + "AAAA"):
            assert answer(Caller(http=nobody.http, token=token), method, path).status == 401, path


def test_without_the_right_role_no_body_is_waited_for(house: House, with_bodies: Mapping[str, tuple[str, str]]) -> None:
    for operation, (method, path) in with_bodies.items():
        allowed = ROLES[operation]
        barred = [role for role in Role if allowed is not None and role not in allowed]
        for role in barred[:1]:
            assert answer(house.the(role), method, path).status == 403, path


def test_a_stranger_beyond_the_limit_is_refused_before_the_body(house: House, tmp_path: Path) -> None:
    with an_api({**house.installation.settings, "LASTRO_LIMIT_ANONYMOUS": "1"}, tmp_path) as api:
        said = {"tenant": house.tenant, "email": "nobody@example.org", "password": "no such pass phrase"}
        assert Caller(http=api).post("auth/login", said, key=None).status_code == 401
        assert answer(Caller(http=api), "POST", f"{V1}/auth/login").status == 429


def test_a_user_beyond_the_limit_is_refused_before_the_body(house: House, tmp_path: Path) -> None:
    with an_api({**house.installation.settings, "LASTRO_LIMIT_USERS": "1"}, tmp_path) as api:
        trader = house.trader.at(api)
        assert trader.get("me").status_code == 200
        assert answer(trader, "POST", f"{V1}/orders").status == 429


def test_the_body_of_somebody_who_may_send_it_is_waited_for(house: House) -> None:
    with promising_a_body(house.finance, "POST", f"{V1}/ledger/entries") as connection:
        assert connection.sock is not None
        connection.sock.settimeout(SILENT_S)
        with pytest.raises(TimeoutError):
            connection.getresponse()
