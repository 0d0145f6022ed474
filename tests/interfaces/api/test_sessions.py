"""Logins: tokens for those who may, equal refusals for all others, sessions that rotate and end, nothing kept of it."""

import time
from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from statistics import median

import httpx
import jwt
import pytest

from domain.users import Role, Status
from interfaces.api.tokens import ALGORITHM, AUDIENCE, ISSUER, TYPE
from tests.interfaces.api.answers import body, problem
from tests.interfaces.api.callers import V1, Caller
from tests.interfaces.api.installation import PASSWORD, House, until

EMAIL = "ana@example.org"


def login(nobody: Caller, house: House, *, email: str = EMAIL, password: str = PASSWORD) -> httpx.Response:
    return nobody.post("auth/login", {"tenant": house.tenant, "email": email, "password": password}, key=None)


def refresh(nobody: Caller, token: str) -> httpx.Response:
    return nobody.post("auth/refresh", {"refresh_token": token}, key=None)


@pytest.fixture
def ana(house: House) -> Caller:
    """A trader with a password."""
    return house.person(Role.TRADER, email=EMAIL, password=PASSWORD)


def test_a_login_gives_tokens_that_work(house: House, nobody: Caller, ana: Caller) -> None:
    said = body(login(nobody, house))
    assert said.keys() == {"access_token", "expires_in", "refresh_token"}
    assert said["expires_in"] == 600
    me = body(Caller(http=nobody.http, token=said["access_token"]).get("me"))
    assert me == {"id": ana.user, "tenant": house.tenant, "email": EMAIL, "status": "ACTIVE", "roles": ["trader"]}


@pytest.mark.usefixtures("ana")
def test_an_address_is_known_whatever_its_case(house: House, nobody: Caller) -> None:
    body(login(nobody, house, email=" Ana@Example.ORG "))


@pytest.mark.usefixtures("ana")
def test_a_wrong_password_and_an_unknown_address_are_refused_alike(house: House, nobody: Caller) -> None:
    wrong = problem(login(nobody, house, password="wrong"), 401, "wrong_credentials")
    unknown = problem(login(nobody, house, email="bob@example.org"), 401, "wrong_credentials")
    elsewhere = problem(login(nobody, house.installation.a_house()), 401, "wrong_credentials")
    nowhere = nobody.post("auth/login", {"tenant": "nowhere", "email": EMAIL, "password": PASSWORD}, key=None)
    for other in (unknown, elsewhere, problem(nowhere, 401, "wrong_credentials")):
        assert {**other, "request_id": ""} == {**wrong, "request_id": ""}


def test_an_unknown_address_takes_as_long_as_a_known_one(house: House, nobody: Caller) -> None:
    known: list[float] = []
    unknown: list[float] = []
    for number in range(6):
        house.person(Role.VIEWER, email=f"{number}@example.org", password=PASSWORD)
        for email, taken in ((f"{number}@example.org", known), (f"{number}@example.com", unknown)):
            started = time.perf_counter()
            problem(login(nobody, house, email=email, password="wrong"), 401, "wrong_credentials")
            taken.append(time.perf_counter() - started)
    assert 0.5 < median(unknown) / median(known) < 2


@pytest.mark.parametrize("status", [Status.PENDING, Status.SUSPENDED])
def test_who_is_not_active_cannot_log_in(house: House, nobody: Caller, status: Status) -> None:
    waiting = house.person(Role.TRADER, email=EMAIL, password=PASSWORD, status=Status.PENDING)
    if status is Status.SUSPENDED:
        body(house.admin.post(f"admin/users/{waiting.user}/suspend"))
    said = problem(login(nobody, house), 403, "user_not_active")
    assert said["status"] == 403


def test_api_only_has_no_login(house: House, nobody: Caller) -> None:
    house.person(Role.API_ONLY, email=EMAIL, password=PASSWORD)
    assert login(nobody, house).status_code == 403


@pytest.mark.usefixtures("ana")
def test_five_failures_lock_the_pair_of_address_and_place_even_for_the_right_password(
    house: House, nobody: Caller
) -> None:
    for _ in range(5):
        problem(login(nobody, house, password="wrong"), 401, "wrong_credentials")
    locked = login(nobody, house)
    problem(locked, 429, "login_locked")
    assert 0 < int(locked.headers["Retry-After"]) <= 900
    house.person(Role.VIEWER, email="bob@example.org", password=PASSWORD)
    body(login(nobody, house, email="bob@example.org"))


@pytest.mark.usefixtures("ana")
def test_a_success_forgives_the_failures_before_it(house: House, nobody: Caller) -> None:
    for _ in range(2):
        for _ in range(4):
            problem(login(nobody, house, password="wrong"), 401, "wrong_credentials")
        body(login(nobody, house))


def test_too_many_logins_at_once_are_turned_away_and_the_process_stays_alive(house: House, nobody: Caller) -> None:
    def attempt(number: int) -> int:
        with httpx.Client(base_url=nobody.http.base_url, timeout=60) as http:
            return login(Caller(http=http), house, email=f"{number}@example.org").status_code

    with ThreadPoolExecutor(60) as threads:
        statuses = list(threads.map(attempt, range(60)))
    assert set(statuses) == {401, 429}
    assert nobody.get("/health/live").status_code == 200


@pytest.mark.usefixtures("ana")
def test_a_refresh_token_is_good_once_and_its_reuse_ends_the_session(house: House, nobody: Caller) -> None:
    first = body(login(nobody, house))["refresh_token"]
    second = body(refresh(nobody, first))["refresh_token"]
    assert body(refresh(nobody, first))["refresh_token"] == second, "a lost answer is given again"
    third = body(refresh(nobody, second))["refresh_token"]
    problem(refresh(nobody, first), 401, "session_refused")
    problem(refresh(nobody, third), 401, "session_refused")


@pytest.mark.usefixtures("ana")
def test_a_refresh_gives_the_roles_of_now(house: House, nobody: Caller, ana: Caller) -> None:
    token = body(login(nobody, house))["refresh_token"]
    body(house.admin.send("PUT", f"admin/users/{ana.user}/roles", json={"roles": ["viewer"]}))
    said = body(refresh(nobody, token))
    assert body(Caller(http=nobody.http, token=said["access_token"]).get("me"))["roles"] == ["viewer"]


def test_a_suspension_ends_sessions_and_stops_tokens_from_doing_anything(
    house: House, nobody: Caller, ana: Caller
) -> None:
    token = body(login(nobody, house))["refresh_token"]
    body(house.admin.post(f"admin/users/{ana.user}/suspend"))
    assert refresh(nobody, token).status_code in {401, 403}
    opening = {"venue": "paper", "start": {"value": "1", "asset": "USD"}}
    assert ana.post("connections", opening).status_code in {401, 403}
    until(lambda: ana.get("me").status_code == 401)
    body(house.admin.post(f"admin/users/{ana.user}/activate"))
    problem(ana.get("me"), 401, "unauthenticated")
    renewed = Caller(http=ana.http, token=body(login(nobody, house))["access_token"])
    body(renewed.post("connections", opening), 201)
    problem(refresh(nobody, token), 401, "session_refused")


@pytest.mark.usefixtures("ana")
def test_a_logout_ends_the_session(house: House, nobody: Caller, ana: Caller) -> None:
    token = body(login(nobody, house))["refresh_token"]
    for _ in range(2):
        assert ana.post("auth/logout", {"refresh_token": token}, key=None).status_code == 204
    problem(refresh(nobody, token), 401, "session_refused")


@pytest.mark.parametrize("token", ["x", "main." + "0" * 32 + "." + "A" * 43, "a.b.c", "main.x.' or 1=1"])
def test_a_made_up_refresh_token_is_401(nobody: Caller, token: str) -> None:
    problem(refresh(nobody, token), 401, "session_refused")


@pytest.mark.usefixtures("ana")
def test_nothing_of_a_login_is_kept_or_said(house: House, nobody: Caller) -> None:
    said = body(login(nobody, house))
    problem(login(nobody, house, password="my other secret"), 401, "wrong_credentials")
    kept = house.installation.office.sql("SELECT coalesce(string_agg(answer::text, ''), '') FROM log.receipts")[0][0]
    spoken = "".join(log.read_text() for log in house.installation.home.glob("*.log"))
    for secret in (said["access_token"], said["refresh_token"], PASSWORD, "my other secret", EMAIL):
        assert secret not in kept
        assert secret not in spoken


def claims(house: House, user: str, **changes: object) -> dict[str, object]:
    now = datetime.now(UTC)
    return {
        "iss": ISSUER, "aud": AUDIENCE, "typ": TYPE, "sub": user, "tenant": house.tenant, "roles": ["trader"],
        "iat": now, "exp": now + timedelta(minutes=5), **changes,
    }  # fmt: skip


BAD_CLAIMS: dict[str, dict[str, object]] = {
    "another issuer": {"iss": "somebody"},
    "another audience": {"aud": "other-api"},
    "another type": {"typ": "refresh"},
    "an expired one": {"exp": datetime.now(UTC) - timedelta(seconds=1)},
    "one without end": {"exp": None},
    "an unknown role": {"roles": ["root"]},
    "no roles": {"roles": None},
    "roles as a number": {"roles": 5},
}


@pytest.mark.parametrize("changes", BAD_CLAIMS.values(), ids=BAD_CLAIMS.keys())
def test_a_token_with_other_claims_is_401(house: House, trader: Caller, changes: dict[str, object]) -> None:
    office = house.installation.office
    key = office.signing_key
    given = {name: value for name, value in claims(house, trader.user, **changes).items() if value is not None}
    token = jwt.encode(given, key, algorithm=ALGORITHM)
    problem(Caller(http=trader.http, token=token).get("me"), 401, "unauthenticated")
    good = jwt.encode(claims(house, trader.user), key, algorithm=ALGORITHM)
    body(Caller(http=trader.http, token=good).get("me"))


def test_a_token_of_another_algorithm_is_401(house: House, trader: Caller) -> None:
    key = house.installation.office.signing_key * 2
    longer = jwt.encode(claims(house, trader.user), key, algorithm="HS512")
    unsigned = urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    for token in (longer, f"{unsigned}.{longer.split('.')[1]}."):
        problem(Caller(http=trader.http, token=token).get("me"), 401, "unauthenticated")


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "bearer x.y.z", "Bearer é", "Bearer a b"])
def test_a_header_that_is_no_token_is_401(nobody: Caller, header: str) -> None:
    answer = nobody.http.get(f"{V1}/me", headers={b"Authorization": header.encode("latin-1")})
    problem(answer, 401, "unauthenticated")


def test_what_a_tenant_is_comes_from_the_token_only(house: House, trader: Caller) -> None:
    other = house.installation.a_house()
    answer = trader.get("me", tenant=other.tenant)
    assert body(answer)["tenant"] == house.tenant
