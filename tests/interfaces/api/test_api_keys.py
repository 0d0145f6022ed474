"""API keys: made after a fresh proof, used by signing every request, rotated, revoked everywhere at once."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain.users import Role
from tests.interfaces.api.answers import body, items, pointers, problem
from tests.interfaces.api.callers import Caller
from tests.interfaces.api.entries import capital, top_up
from tests.interfaces.api.installation import House, an_api
from tests.interfaces.api.signers import LOOPBACK, Signer, ed25519_key, hmac_key, machine, public

KEYS = "api-keys"
WANTED = {"name": "bot", "kind": "hmac", "scopes": ["read"]}
PAPER = {"venue": "paper", "start": {"value": "100", "asset": "USD"}}

LOOKS = [
    "SELECT count(*) FROM log.events AS t WHERE t::text LIKE %s",
    "SELECT count(*) FROM log.receipts AS t WHERE t::text LIKE %s",
    "SELECT count(*) FROM vault.api_keys AS t WHERE t::text LIKE %s",
    "SELECT count(*) FROM read.api_keys AS t WHERE t::text LIKE %s",
]
MAKE = [ed25519_key, hmac_key]


@pytest.fixture(params=MAKE)
def make(request: pytest.FixtureRequest) -> Callable[..., Signer]:
    """Both kinds of keys."""
    chosen: Callable[..., Signer] = request.param
    return chosen


def test_a_signed_request_speaks_for_the_keys_user(trader: Caller, make: Callable[..., Signer]) -> None:
    bot = make(trader, "read", "trade")
    me = body(bot.get("me"))
    assert (me["id"], me["roles"]) == (trader.user, ["trader"])
    opened = bot.post("connections", PAPER)
    assert items(trader.get("connections", after=opened))[0]["id"] == body(opened, 201)["id"]
    assert items(bot.get("connections", after=opened, limit=3)) == items(trader.get("connections"))


def test_a_secret_is_shown_once_and_stands_nowhere_in_the_clear(house: House, trader: Caller) -> None:
    first = trader.post(KEYS, WANTED, key="once")
    made = body(first, 201)
    assert made.keys() == {"id", "key", "kind", "scopes", "secret"}
    assert made["key"] == f"{house.tenant}.{made['id']}"
    again = trader.post(KEYS, WANTED, key="once")
    assert body(again, 201) == {name: value for name, value in made.items() if name != "secret"}
    assert again.headers["Idempotent-Replayed"] == "true"
    secret: str = made["secret"]
    for query in LOOKS:
        for text in (secret[:20], secret[:20].encode().hex()):
            assert house.installation.office.sql(query, f"%{text}%") == [(0,)], query
    for log in house.installation.home.glob("*.log"):
        assert secret not in log.read_text()


def test_of_equal_requests_at_once_one_shows_the_secret_that_counts(trader: Caller) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = [body(one, 201) for one in pool.map(lambda _: trader.post(KEYS, WANTED, key="once"), range(8))]
    (secret,) = [one["secret"] for one in answers if "secret" in one]
    bot = Signer(http=trader.http, user=trader.user, key=answers[0]["key"], proof=secret.encode())
    assert body(bot.get("me"))["id"] == trader.user


def test_neither_a_key_nor_its_successor_is_made_without_a_fresh_proof(house: House) -> None:
    stale = house.person(Role.TRADER, stepped_up_for=None)
    problem(stale.post(KEYS, WANTED), 403, "step_up_required")
    bot = hmac_key(house.trader, "read")
    other = Caller(
        http=stale.http, user=bot.user, token=house.installation.office.token(house.tenant, bot.user, [Role.TRADER])
    )
    problem(other.post(f"{KEYS}/{bot.id}/rotate", {"kind": "hmac"}), 403, "step_up_required")
    assert body(other.send("DELETE", f"{KEYS}/{bot.id}")) == {"id": bot.id}, "haste needs no proof"


def test_a_key_makes_no_key(trader: Caller) -> None:
    bot = hmac_key(trader, "read", "trade", "withdraw", addresses=LOOPBACK)
    problem(bot.post(KEYS, WANTED), 403, "scope_not_allowed")
    problem(bot.get(KEYS), 403, "scope_not_allowed")
    problem(bot.post(f"{KEYS}/{bot.id}/rotate", {"kind": "hmac"}), 403, "scope_not_allowed")
    problem(bot.send("DELETE", f"{KEYS}/{bot.id}"), 403, "scope_not_allowed")


FORGED = {
    "X-Signature": "AAAA" * 21 + "AA==", "X-Timestamp": str(time.time_ns() // 1_000_000 + 1), "X-Recv-Window": "60000",
    "X-Content-SHA256": "0" * 64, "Idempotency-Key": "another", "X-Api-Key": "main." + "0" * 32,
}  # fmt: skip


@pytest.mark.parametrize("header", FORGED)
def test_nothing_that_is_signed_can_be_changed(
    *, house: House, trader: Caller, make: Callable[..., Signer], header: str
) -> None:
    bot, before = make(trader, "trade"), house.written()
    changed = bot.but(forged={header: FORGED[header]})
    answer = changed.post("connections", PAPER, key="the key")
    problem(answer, 401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert house.written() == before


def test_neither_path_nor_query_nor_method_nor_body_can_be_changed(house: House, trader: Caller) -> None:
    bot, before = hmac_key(trader, "read", "trade"), house.written()
    good = bot.signed("GET", "orders?limit=1")
    for path in ("orders?limit=2", "orders", "fills?limit=1", "orders?limit=1&cursor="):
        problem(bot.http.get(f"/api/v1/{path}", headers=good.headers), 401, "unauthenticated")
    problem(bot.http.delete("/api/v1/destinations/" + "0" * 32, headers=good.headers), 401, "unauthenticated")
    posted = bot.signed("POST", "connections", json=PAPER, key="k")
    other = posted.content.replace(b"100", b"999")
    assert len(other) == len(posted.content)
    problem(bot.http.post("/api/v1/connections", content=other, headers=posted.headers), 401, "unauthenticated")
    assert house.written() == before


def test_a_key_is_no_other_key_though_both_have_one_public_key(trader: Caller) -> None:
    private = Ed25519PrivateKey.generate()
    wanted = {"name": "bot", "kind": "ed25519", "public_key": public(private)}
    narrow, wide = (body(trader.post(KEYS, {**wanted, "scopes": [scope]}), 201)["key"] for scope in ("read", "trade"))
    bot = Signer(http=trader.http, user=trader.user, key=narrow, proof=private)
    problem(bot.but(forged={"X-Api-Key": wide}).post("connections", PAPER), 401, "unauthenticated")


def test_a_request_that_is_sent_again_is_done_once_and_old_ones_are_refused(house: House, trader: Caller) -> None:
    bot = hmac_key(trader, "trade")
    recorded = bot.signed("POST", "connections", json=PAPER, key="one connection")
    first, written = bot.http.send(recorded), house.written()
    again = bot.http.send(recorded)
    assert (body(again, 201), again.headers["Idempotent-Replayed"]) == (body(first, 201), "true")
    assert house.written() == written
    now = time.time_ns() // 1_000_000
    for timestamp, window in ((now - 5_500, None), (now - 61_000, "60000"), (now + 2_500, None), (now, "60001")):
        said = {"X-Timestamp": str(timestamp), **({"X-Recv-Window": window} if window else {})}
        answer = bot.but(said=said).post("connections", PAPER, key="one connection")
        assert "the time here is" in problem(answer, 401, "outside_window")["detail"]
    late = bot.but(said={"X-Timestamp": str(now - 30_000), "X-Recv-Window": "60000"})
    assert late.post("connections", PAPER, key="one connection").headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    "said",
    [
        {"X-Timestamp": ""}, {"X-Timestamp": "1e12"}, {"X-Timestamp": "-5"}, {"X-Timestamp": "9" * 30},
        {"X-Recv-Window": "0"}, {"X-Recv-Window": "x"}, {"X-Content-SHA256": "x"}, {"X-Api-Key": "x"},
        {"X-Api-Key": "main.x"}, {"X-Api-Key": "main." + "0" * 32}, {"X-Api-Key": "nosuchtenant." + "0" * 32},
    ],
)  # fmt: skip
def test_what_is_malformed_is_refused_like_any_other_forgery(trader: Caller, said: dict[str, str]) -> None:
    problem(hmac_key(trader, "read").but(said=said).get("me"), 401, "unauthenticated")


@pytest.mark.parametrize("signature", ["", "x", "é".encode().hex(), "AAAA"])
def test_a_signature_of_another_form_is_refused(trader: Caller, make: Callable[..., Signer], signature: str) -> None:
    problem(make(trader, "read").but(forged={"X-Signature": signature}).get("me"), 401, "unauthenticated")


def test_nobody_says_in_two_ways_who_asks(trader: Caller) -> None:
    bot = hmac_key(trader, "read").but(forged={"Authorization": f"Bearer {trader.token}"})
    problem(bot.get("me"), 401, "unauthenticated")


def test_a_public_key_that_anybody_can_sign_with_is_refused(trader: Caller) -> None:
    identity = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    wanted = {"name": "bot", "kind": "ed25519", "scopes": ["read"]}
    for text in (identity, identity[:-2] + "A=", "AAAA", "x", "", "é" * 44):
        answer = trader.post(KEYS, {**wanted, "public_key": text})
        assert pointers(problem(answer, 422, "invalid_request"))[0].endswith("/public_key")


def test_a_key_does_what_scope_and_role_allow_and_no_more(trader: Caller) -> None:
    reader = hmac_key(trader, "read")
    assert reader.get("balances").status_code == 200
    problem(reader.post("connections", PAPER), 403, "scope_not_allowed")
    problem(reader.get("ledger/entries"), 403, "role_not_allowed")
    problem(hmac_key(trader, "trade").get("balances"), 403, "scope_not_allowed")


def test_people_get_no_scope_that_their_roles_have_no_use_for(house: House, trader: Caller) -> None:
    problem(trader.post(KEYS, {**WANTED, "scopes": ["ledger"]}), 409, "scope_not_for_roles")
    problem(house.admin.post(KEYS, WANTED), 409, "scope_not_for_roles")
    problem(house.the(Role.VIEWER).post(KEYS, {**WANTED, "scopes": ["trade"]}), 409, "scope_not_for_roles")


def test_withdrawing_is_granted_expressly_and_from_listed_addresses_only(trader: Caller) -> None:
    answer = trader.post(KEYS, {**WANTED, "scopes": ["withdraw"]})
    assert pointers(problem(answer, 422, "addresses_needed")) == ["/addresses"]
    for network in ("0.0.0.0/0", "10.0.0.0/8", "::/0", "127.0.0.1/24", "here"):
        answer = trader.post(KEYS, {**WANTED, "scopes": ["withdraw"], "addresses": [network]})
        assert pointers(problem(answer, 422, "invalid_request"))[0].endswith("/addresses/0")
    ordinary = hmac_key(trader, "read", "trade")
    paid_out = {"amount": {"value": "10", "asset": "USD"}, "destination_id": "0" * 32}
    sent = {"to_user": "0" * 32, "amount": {"value": "1", "asset": "USD"}}
    problem(ordinary.post("withdrawals", paid_out), 403, "scope_not_allowed")
    problem(ordinary.post("transfers", sent), 403, "scope_not_allowed")
    granted = hmac_key(trader, "withdraw", addresses=LOOPBACK)
    problem(granted.post("withdrawals", paid_out), 404, "unknown_destination")
    problem(granted.post("transfers", sent), 404, "unknown_user")


def test_a_key_is_good_from_its_addresses_only(trader: Caller, make: Callable[..., Signer]) -> None:
    here = make(trader, "read", addresses=["127.0.0.1", "2001:db8:1::/48"])
    assert here.get("me").status_code == 200
    problem(make(trader, "read", addresses=["203.0.113.0/24"]).get("me"), 403, "address_not_listed")
    # What a proxy on this machine says of the caller counts (docs/running.md).
    problem(here.but(said={"X-Forwarded-For": "203.0.113.7"}).get("me"), 403, "address_not_listed")
    for address in ("2001:db8:1::7", "::ffff:127.0.0.1"):
        assert here.but(said={"X-Forwarded-For": address}).get("me").status_code == 200


def test_a_machine_does_what_its_keys_scopes_say(house: House) -> None:
    reader, books = machine(house, "read"), machine(house, "ledger")
    assert body(reader.get("me"))["roles"] == ["api_only"]
    problem(reader.get("ledger/entries"), 403, "scope_not_allowed")
    posted = books.post("ledger/entries", capital())
    assert items(books.get("ledger/entries", after=posted))[0]["id"] == body(posted, 201)["id"]
    problem(books.get("balances"), 403, "scope_not_allowed")


def test_a_machine_comes_in_with_a_key_only(house: House) -> None:
    user = house.person(Role.API_ONLY, email="machine@example.org", password="a long enough pass phrase")
    problem(user.get("me"), 403, "role_not_allowed")
    said = {"tenant": house.tenant, "email": "machine@example.org", "password": "a long enough pass phrase"}
    problem(house.installation.nobody.post("auth/login", said, key=None), 403, "user_not_active")


def test_only_administrators_make_keys_and_only_for_machines(house: House, trader: Caller) -> None:
    bot, wanted = house.person(Role.API_ONLY).user, {**WANTED, "scopes": ["ledger"]}
    problem(house.finance.post(KEYS, {**wanted, "user_id": bot}), 403, "not_their_key")
    problem(house.admin.post(KEYS, {**WANTED, "user_id": trader.user}), 403, "not_their_key")
    problem(house.admin.post(KEYS, {**wanted, "user_id": "0" * 32}), 404, "unknown_user")
    stranger = house.installation.a_house().admin
    problem(stranger.post(KEYS, {**wanted, "user_id": bot}), 404, "unknown_user")
    withdrawing = {**WANTED, "scopes": ["withdraw"], "addresses": LOOPBACK, "user_id": bot}
    problem(house.admin.post(KEYS, withdrawing), 409, "scope_not_for_roles")
    assert body(house.admin.post(KEYS, {**wanted, "user_id": bot}), 201)["scopes"] == ["ledger"]


def test_a_key_that_people_made_for_themselves_gains_nothing_when_they_become_machines(house: House) -> None:
    person = house.person(Role.FINANCE)
    bot = hmac_key(person, "ledger")
    assert bot.get("ledger/entries").status_code == 200
    change = house.admin.send("PUT", f"admin/users/{person.user}/roles", json={"roles": ["api_only"]})
    assert change.status_code == 200
    problem(bot.get("ledger/entries"), 403, "role_not_allowed")


def test_roles_are_those_of_now_and_not_of_when_the_key_was_made(house: House, trader: Caller) -> None:
    bot = hmac_key(trader, "read", "trade")
    body(house.admin.send("PUT", f"admin/users/{trader.user}/roles", json={"roles": ["viewer"]}))
    assert bot.get("balances").status_code == 200
    problem(bot.post("connections", PAPER), 403, "role_not_allowed")


def test_a_rotated_key_is_good_beside_its_successor_until_its_time_is_over(
    trader: Caller, make: Callable[..., Signer]
) -> None:
    bot = make(trader, "read", addresses=LOOPBACK)
    answer = trader.post(f"{KEYS}/{bot.id}/rotate", {"kind": "hmac", "overlap_s": 3600})
    made = body(answer, 201)
    successor = bot.but(key=made["key"], proof=made["secret"].encode())
    assert bot.get("me").status_code == successor.get("me").status_code == 200
    first, second = items(trader.get(KEYS, after=answer))
    assert (first["status"], first["successor"], second["replaces"]) == ("rotated", second["id"], first["id"])
    assert (second["name"], second["scopes"], second["addresses"]) == ("bot", ["read"], list(LOOPBACK))
    ends = datetime.fromisoformat(made["predecessor_usable_until"]) - datetime.now(UTC)
    assert timedelta(minutes=59) < ends <= timedelta(hours=1)
    problem(trader.post(f"{KEYS}/{bot.id}/rotate", {"kind": "hmac"}), 409, "api_key_ended")
    final = body(trader.post(f"{KEYS}/{successor.id}/rotate", {"kind": "hmac", "overlap_s": 0}), 201)
    problem(successor.get("me"), 401, "unauthenticated")
    assert bot.but(key=final["key"], proof=final["secret"].encode()).get("me").status_code == 200
    for seconds in (-1, 7 * 86_400 + 1, True, "60"):
        answer = trader.post(f"{KEYS}/{final['id']}/rotate", {"kind": "hmac", "overlap_s": seconds})
        problem(answer, 422, "invalid_request")


def test_a_revoked_key_is_refused_by_every_process_from_the_answer_on(
    house: House, trader: Caller, make: Callable[..., Signer]
) -> None:
    bots = [make(trader, "read").at(http) for http in house.installation.apis]
    assert [bot.get("me").status_code for bot in bots] == [200, 200]
    for bot in bots:
        other = bot.at(next(http for http in house.installation.apis if http is not bot.http))
        assert other.get("me").status_code == 200
        assert body(trader.send("DELETE", f"{KEYS}/{bot.id}")) == {"id": bot.id}
        for program in (bot, other):
            problem(program.get("me"), 401, "unauthenticated")
    assert body(trader.send("DELETE", f"{KEYS}/{bots[0].id}")) == {"id": bots[0].id}, "again is nothing to do"


def test_the_keys_of_a_suspended_user_are_refused_by_every_process_from_the_answer_on(
    house: House, trader: Caller
) -> None:
    bot = hmac_key(trader, "read")
    assert house.admin.post(f"admin/users/{trader.user}/suspend").status_code == 200
    for http in house.installation.apis:
        problem(bot.at(http).get("me"), 401, "unauthenticated")
    assert house.admin.post(f"admin/users/{trader.user}/activate").status_code == 200
    assert bot.get("me").status_code == 200, "a key is ended by revoking it"


def test_keys_are_listed_to_their_owner_and_to_those_who_look_after_all(house: House, trader: Caller) -> None:
    bot, books = hmac_key(trader, "read"), machine(house, "ledger")
    after = house.head()
    assert bot.get("me").status_code == 200
    (own,) = items(trader.get(KEYS, after=after))
    assert (own["id"], own["status"], own["made_by"], own["addresses"]) == (bot.id, "active", trader.user, [])
    used = datetime.fromisoformat(own["last_used_at"])
    assert abs(datetime.now(UTC) - used) < timedelta(minutes=5)
    for person in (house.admin, house.auditor):
        assert [one["id"] for one in items(person.get(KEYS))] == [bot.id, books.id]
    other = house.person(Role.TRADER)
    assert items(other.get(KEYS)) == []
    problem(other.send("DELETE", f"{KEYS}/{bot.id}"), 404, "unknown_api_key")
    problem(other.post(f"{KEYS}/{bot.id}/rotate", {"kind": "hmac"}), 404, "unknown_api_key")
    problem(house.auditor.send("DELETE", f"{KEYS}/{bot.id}"), 404, "unknown_api_key")
    problem(house.admin.post(f"{KEYS}/{bot.id}/rotate", {"kind": "hmac"}), 403, "not_their_key")
    assert body(house.admin.send("DELETE", f"{KEYS}/{bot.id}")) == {"id": bot.id}
    assert bot.get("me").status_code == 401


def test_the_last_use_is_written_down_once_in_a_while_and_is_no_fact(house: House, trader: Caller) -> None:
    bot, events = hmac_key(trader, "read"), house.written()
    look = "SELECT last_used_at FROM vault.api_keys WHERE key = %s"
    assert house.installation.office.sql(look, bot.id) == [(None,)]
    bot.get("me")
    first = house.installation.office.sql(look, bot.id)
    bot.get("me")
    assert house.installation.office.sql(look, bot.id) == first != [(None,)]
    assert house.written() == events


LIMITS = {"LASTRO_LIMIT_ANONYMOUS": "2", "LASTRO_LIMIT_USERS": "3"}


def test_keys_are_not_counted_unless_a_limit_is_set_and_forgeries_are_counted_as_strangers(
    house: House, tmp_path: Path
) -> None:
    with an_api({**house.installation.settings, **LIMITS}, tmp_path) as api:
        bot = hmac_key(house.trader.at(api), "read")
        assert {bot.get("me").status_code for _ in range(8)} == {200}
        forged = bot.but(forged={"X-Signature": "AAAA"})
        assert [forged.get("me").status_code for _ in range(3)] == [401, 401, 429]
        assert bot.get("me").status_code == 200, "whoever signs is no stranger"


def test_a_limit_for_keys_counts_each_by_itself(house: House, tmp_path: Path) -> None:
    with an_api({**house.installation.settings, "LASTRO_LIMIT_API_KEYS": "2"}, tmp_path) as api:
        one, other = (hmac_key(house.trader.at(api), "read") for _ in range(2))
        assert [one.get("me").status_code for _ in range(3)] == [200, 200, 429]
        assert other.get("me").status_code == house.trader.at(api).get("me").status_code == 200


def test_an_idempotency_key_belongs_to_the_person_whatever_they_come_with(house: House) -> None:
    finance, user = house.finance, house.trader.user
    bot = hmac_key(finance, "ledger")
    entry = top_up(user, "5.00")
    first = bot.post("ledger/entries", entry, key="same")
    again = finance.post("ledger/entries", entry, key="same")
    assert (body(again, 201), again.headers["Idempotent-Replayed"]) == (body(first, 201), "true")
