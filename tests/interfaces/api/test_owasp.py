"""The OWASP API Security Top 10 (2023), item by item: an attack as a request, and what it meets."""

import re
import socket
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from domain.users import Role
from interfaces.api.deprecated import ALIASES
from interfaces.api.roles import ROLES
from interfaces.api.scopes import SCOPES
from interfaces.api.tokens import AUDIENCE, ISSUER, TYPE
from tests.interfaces.api.answers import MEMBERS, body, items, pointers, problem
from tests.interfaces.api.callers import V1, Caller
from tests.interfaces.api.entries import capital, top_up
from tests.interfaces.api.installation import PASSWORD, House, Installation, an_api
from tests.interfaces.api.signers import hmac_key
from tests.interfaces.api.test_roles import BODIES
from tests.interfaces.api.test_webhooks import Outside, deposited

IBAN = {"kind": "iban", "asset": "USD", "holder": "Ana Souza", "iban": "GB82 WEST 1234 5698 7654 32"}
ORDER = {"instrument": "btc-usd", "side": "buy", "type": "market", "quantity": "0.001"}
PAPER = {"venue": "paper", "start": {"value": "100", "asset": "USD"}}
USD_50 = {"value": "50", "asset": "USD"}
EMAIL = "ana@example.org"


@pytest.fixture(scope="session")
def document(installation: Installation) -> dict[str, Any]:
    found: dict[str, Any] = installation.nobody.get("/openapi.json").json()
    return found


def login(house: House, password: str) -> httpx.Response:
    said = {"tenant": house.tenant, "email": EMAIL, "password": password}
    return house.installation.nobody.post("auth/login", said, key=None)


# API1:2023 Broken Object Level Authorization


def test_api1_an_object_of_somebody_else_is_as_unknown_as_none(house: House, trader: Caller) -> None:
    """Whoever knows the id of another's object, in the same tenant or from another, gains nothing by it."""
    connection = body(trader.post("connections", PAPER), 201)["id"]
    order = body(trader.post("orders", {**ORDER, "connection": connection}), 201)["id"]
    destination, deposit = body(trader.post("destinations", IBAN), 201)["id"], deposited(trader)
    key, last = hmac_key(trader, "read"), house.head()
    foreign = house.installation.a_house()
    for stranger in (house.person(Role.TRADER), foreign.trader, foreign.auditor):
        for path in (f"orders/{order}", f"deposits/{deposit}", f"withdrawals/{order}"):
            assert stranger.get(path, after=last).status_code == 404, path
        assert items(stranger.get("orders")) == items(stranger.get("connections")) == []
        assert items(stranger.get("deposits")) == []
    other = house.person(Role.TRADER)
    assert other.send("DELETE", f"destinations/{destination}").status_code == 404
    assert other.send("DELETE", f"api-keys/{key.id}").status_code == 404
    problem(other.post("orders", {**ORDER, "connection": connection}), 404, "unknown_connection")
    problem(other.post("withdrawals", {"amount": USD_50, "destination_id": destination}), 404, "unknown_destination")
    assert key.get(f"orders/{order}").status_code == 200


# API2:2023 Broken Authentication


def claims(house: House, user: str, **changed: object) -> dict[str, object]:
    now = datetime.now(UTC)
    good = {
        "iss": ISSUER, "aud": AUDIENCE, "typ": TYPE, "sub": user, "tenant": house.tenant, "roles": ["admin"],
        "iat": now.timestamp(), "exp": now + timedelta(minutes=5),
    }  # fmt: skip
    return {**good, **changed}


def test_api2_no_forged_token_is_taken_for_a_good_one(house: House) -> None:
    """Unsigned, signed with another key or algorithm, over its time, for another purpose, without an end."""
    secret, user = house.installation.office.signing_key, house.admin.user
    past = datetime.now(UTC) - timedelta(seconds=1)
    endless = claims(house, user)
    del endless["exp"]
    forged = [
        jwt.encode(claims(house, user), "", algorithm="none"),
        jwt.encode(claims(house, user), b"x" * 32, algorithm="HS256"),
        jwt.encode(claims(house, user), secret + secret, algorithm="HS512"),
        jwt.encode(claims(house, user, exp=past), secret, algorithm="HS256"),
        jwt.encode(claims(house, user, typ="refresh"), secret, algorithm="HS256"),
        jwt.encode(claims(house, user, aud="another"), secret, algorithm="HS256"),
        jwt.encode(claims(house, user, iss="another"), secret, algorithm="HS256"),
        jwt.encode(endless, secret, algorithm="HS256"),
    ]
    http = house.installation.apis[0]
    for token in forged:
        problem(Caller(http=http, token=token).get("admin/users"), 401, "unauthenticated")
    good = jwt.encode(claims(house, user), secret, algorithm="HS256")
    assert Caller(http=http, token=good).get("admin/users").status_code == 200, "the forgeries are wrong in one thing"


def test_api2_passwords_are_not_guessed_and_stolen_sessions_end(house: House, nobody: Caller) -> None:
    """Five failures lock; a refresh token that comes twice ends its session; a stolen token changes no destination."""
    house.person(Role.TRADER, email=EMAIL, password=PASSWORD)
    session = body(login(house, PASSWORD))
    stolen = Caller(http=nobody.http, token=session["access_token"])
    problem(stolen.post("destinations", IBAN), 403, "step_up_required")
    problem(stolen.post("api-keys", BODIES["create_api_key"]), 403, "step_up_required")
    for _ in range(5):
        problem(login(house, "a wrong pass phrase"), 401, "wrong_credentials")
    problem(login(house, PASSWORD), 429, "login_locked")


# API3:2023 Broken Object Property Level Authorization


def test_api3_nobody_sets_what_is_not_theirs_to_set(house: House, document: dict[str, Any]) -> None:
    """A field that a body does not have is refused, whatever it is called: no role, status or owner slips in."""
    everybody = house.person(*(role for role in Role if role is not Role.API_ONLY), password=PASSWORD)
    tried = 0
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if "requestBody" not in operation:
                continue
            tried += 1
            said = {**BODIES.get(operation["operationId"], {}), "roles": ["admin"], "user": "0" * 32, "is_admin": True}
            if operation["operationId"] == "set_user_roles":
                del said["roles"]
            answer = everybody.send(method.upper(), path.replace("{id}", "0" * 32), key=f"{path}{method}", json=said)
            named = pointers(problem(answer, 422, "invalid_request"))
            assert any(pointer.endswith("/is_admin") for pointer in named), path
    assert tried > 30


def test_api3_an_answer_holds_what_the_document_says_and_no_secret(house: House) -> None:
    """Nobody is shown where a person stands in the vault, a password's hash, or more of a destination than its end."""
    bob = house.person(Role.TRADER, email="bob@example.org", password=PASSWORD)
    last = bob.post("destinations", IBAN)
    shown = [house.admin.get(f"admin/users/{bob.user}", after=house.head()), bob.get("me"), bob.get("destinations")]
    for text in (answer.text for answer in (*shown, last)):
        for secret in ("subject", "password", "argon2", "5698 7654", "56987654"):
            assert secret not in text
    assert items(bob.get("destinations"))[0]["hint"] == "…5432"


# API4:2023 Unrestricted Resource Consumption


def test_api4_sizes_and_numbers_have_limits(house: House, trader: Caller) -> None:
    """Bodies, nesting, pages and lots are bounded; what is too much is refused before it costs much."""
    finance = house.finance
    large = b'{"kind":"' + b"x" * (1024 * 1024) + b'"}'
    headers = {"Content-Type": "application/json"}
    problem(finance.send("POST", "ledger/entries", key="k", content=large, headers=headers), 413, "body_too_large")
    deep = b'{"a":' * 100_000
    problem(finance.send("POST", "ledger/entries", key="k", content=deep, headers=headers), 400, "unreadable_json")
    problem(trader.get("transactions", limit=501), 422, "invalid_request")
    problem(finance.post("ledger/entries/bulk", {"entries": [capital()] * 1_001}), 422, "invalid_request")


def test_api4_requests_are_counted(house: House, tmp_path: Path) -> None:
    """By user, and by address for who is unknown; what is refused says when to come again."""
    limits = {"LASTRO_LIMIT_ANONYMOUS": "2", "LASTRO_LIMIT_USERS": "2", "LASTRO_LIMIT_WEBHOOKS": "2"}
    with an_api({**house.installation.settings, **limits}, tmp_path) as api:
        person, nobody = house.trader.at(api), Caller(http=api)
        forged = hmac_key(house.person(Role.TRADER).at(api), "read").but(forged={"X-Signature": "AAAA"})
        asked = {
            "a user": [person.get("me") for _ in range(3)],
            "a forger": [forged.get("me") for _ in range(3)],
            "a webhook": [nobody.post("webhooks/sandbox", {}) for _ in range(3)],
        }
        for who, answers in asked.items():
            assert [answer.status_code == 429 for answer in answers] == [False, False, True], who
            assert int(answers[-1].headers["Retry-After"]) > 0


# API5:2023 Broken Function Level Authorization


def test_api5_no_function_of_others_is_called_whatever_method_or_path_is_claimed(trader: Caller) -> None:
    """Roles are asked for by operation (test_roles.py asks every one); no header or spelling changes which it is."""
    user = f"/api/v1/admin/users/{trader.user}"
    for path in (f"{user}/activate", f"{user}/suspend"):
        problem(trader.post(path), 403, "role_not_allowed")
    problem(trader.send("PUT", f"{user}/roles", json={"roles": ["admin"]}), 403, "role_not_allowed")
    for name in ("X-HTTP-Method-Override", "X-Method-Override", "X-Original-URL", "X-Rewrite-URL"):
        value = "PUT" if "Method" in name else f"{user}/roles"
        answer = trader.send("POST", "me", headers={name: value}, json={"roles": ["admin"]})
        assert answer.status_code == 405, name
    for path in ("/api/v1/Admin/Users", "/api/v1//admin/users", "/api/v1/admin/users/", "/api/v1/me/../admin/users"):
        assert trader.get(path).status_code in {403, 404}, path
    assert body(trader.get("me"))["roles"] == ["trader"]


def test_api5_every_operation_is_somebodys_and_none_is_everybodys_by_mistake() -> None:
    """What needs no token is listed here, so that it is a decision."""
    public = {name for name, allowed in ROLES.items() if allowed is None}
    assert public >= {"login", "refresh", "register", "receive_webhook", "health_live", "metrics", "docs"}
    assert not {name for name in public if re.search("admin|ledger|list|approve|pay_|key|statement|balance", name)}


# API6:2023 Unrestricted Access to Sensitive Business Flows


def test_api6_money_does_not_leave_by_a_program_that_tries_often_or_fast(house: House, trader: Caller) -> None:
    """A new destination cools down, keys do not withdraw unless that was granted, and no one decides on their own."""
    last = house.finance.post("ledger/entries", top_up(trader.user, "100.00"))
    body(last, 201)
    destination = body(trader.post("destinations", IBAN), 201)
    asked = {"amount": USD_50, "destination_id": destination["id"]}
    cooling = problem(trader.post("withdrawals", asked), 409, "destination_cooling")
    assert datetime.fromisoformat(cooling["usable_from"]) > datetime.now(UTC) + timedelta(hours=23)
    problem(hmac_key(trader, "read", "trade").post("withdrawals", asked), 403, "scope_not_allowed")


def test_api6_requests_for_withdrawals_have_a_number_and_an_amount_per_day(house: House, tmp_path: Path) -> None:
    settings = {"LASTRO_DESTINATION_COOLING_S": "0", "LASTRO_WITHDRAWAL_REQUESTS_PER_DAY": "2"}
    with an_api({**house.installation.settings, **settings}, tmp_path) as api:
        trader = house.trader.at(api)
        body(house.finance.post("ledger/entries", top_up(trader.user, "500.00")), 201)
        asked = {"amount": USD_50, "destination_id": body(trader.post("destinations", IBAN), 201)["id"]}
        answers = [trader.post("withdrawals", asked) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [201, 201, 409]
        problem(answers[-1], 409, "too_many_withdrawals")


# API7:2023 Server Side Request Forgery


def asked_for(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of all fields of bodies, however deep, and of parameters."""
    for methods in document["paths"].values():
        for operation in methods.values():
            yield from (parameter["name"] for parameter in operation.get("parameters", ()))
            yield from fields_of(document, operation.get("requestBody", {}))


def fields_of(document: Mapping[str, Any], part: object) -> Iterator[str]:
    """Yield the names of all fields below a part of the document."""
    if isinstance(part, list):
        for one in part:
            yield from fields_of(document, one)
    if isinstance(part, dict):
        yield from part.get("properties", {})
        if "$ref" in part:
            yield from fields_of(document, document["components"]["schemas"][part["$ref"].rpartition("/")[2]])
        for one in part.values():
            yield from fields_of(document, one)


def test_api7_no_request_names_an_address_for_us_to_call(
    document: dict[str, Any], trader: Caller, house: House
) -> None:
    """There is no such field, and an address in a text is a text: nobody connects to it."""
    named = set(asked_for(document))
    assert named >= {"email", "iban", "limit", "public_key", "account"}
    assert not {name for name in named if re.search(r"ur[il]$|^ur[il]|href|webhook|callback|redirect|host$", name)}
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.5)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        body(trader.post("destinations", {**IBAN, "holder": url}), 201)
        body(house.finance.post("ledger/entries", capital(note=url, reference=url, metadata={"url": url})), 201)
        hmac_key(trader, "read", name=url)
        trader.send("GET", "me", headers={"Referer": url, "Forwarded": f"host={url}", "X-Forwarded-Host": url})
        with pytest.raises(TimeoutError):
            listening.accept()


# API8:2023 Security Misconfiguration


def test_api8_every_answer_has_the_headers_and_no_error_tells_of_the_inside(house: House, trader: Caller) -> None:
    """No version, no stack, no echo; nothing is cached; other origins get no leave to read."""
    answers = [
        trader.get("me", x="1"), trader.get("orders/nonsense"), trader.get("/nowhere"), trader.post("me"),
        trader.send("POST", "orders", key="k", content=b"\xff{", headers={"Content-Type": "application/json"}),
        trader.get("transactions", cursor="'; DROP TABLE log.events; --"), house.installation.nobody.get("balances"),
        trader.send("GET", "me", headers={"Origin": "https://elsewhere.example"}),
        trader.send("TRACE", "me"), trader.send("OPTIONS", "me"),
    ]  # fmt: skip
    for answer in answers:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert not {"server", "x-powered-by", "access-control-allow-origin"} & {*answer.headers}
        assert answer.status_code < 500
        if answer.is_error:
            assert answer.json().keys() >= MEMBERS
            assert not re.search(r"Traceback|File \"|psycopg|DROP TABLE|site-packages|SELECT", answer.text)


# API9:2023 Improper Inventory Management


def test_api9_what_is_served_is_documented_and_what_is_old_says_so(
    document: dict[str, Any], nobody: Caller, trader: Caller
) -> None:
    """Every operation is in the tables of roles and scopes and in the document; no other version or door is open."""
    served = {one["operationId"]: one for methods in document["paths"].values() for one in methods.values()}
    assert served.keys() == ROLES.keys()
    assert SCOPES.keys() <= ROLES.keys()
    assert {name for name, one in served.items() if one.get("deprecated")} == set(ALIASES)
    balance = trader.get("financial/balance")
    assert (balance.headers["Deprecation"], "balances" in balance.headers["Link"]) == ("@1795824000", True)
    for path in (
        "/api/v0/me",
        "/api/v2/me",
        "/api/me",
        "/admin",
        "/debug",
        "/redoc",
        "/.env",
        "/graphql",
        "/docs/oauth2-redirect",
    ):
        assert nobody.get(path).status_code == trader.get(path).status_code == 404, path
    outside = nobody.send("GET", "/metrics", headers={"X-Forwarded-For": "203.0.113.7"})
    assert outside.status_code in {401, 403, 404}


# API10:2023 Unsafe Consumption of APIs


def test_api10_what_a_provider_says_is_checked_and_read_again_before_it_counts(
    house: House, installation: Installation, trader: Caller
) -> None:
    """A message must be signed, fresh and small; it only says where to look, so that a lie in it moves no money."""
    outside, deposit = Outside(installation), deposited(trader)
    written = house.written()
    assert outside.tell("pay_x", secret=b"x" * 32).status_code == 400
    assert outside.tell("pay_x", late_s=3_600).status_code == 400
    url, headers = f"{V1}/webhooks/sandbox", {"Content-Type": "application/json"}
    assert outside.api.post(url, content=b"{}", headers=headers).status_code == 400
    assert outside.api.post(url, content=b"x" * (1024 * 1024 + 1), headers=headers).status_code == 413
    assert outside.tell("no such payment", message=f"msg_{deposit}").status_code == 200
    assert house.written() == written
    answer = body(trader.get(f"deposits/{deposit}", after=house.head()))
    assert answer["status"] != "settled"
    assert body(trader.get("balances"))["balances"] == []
