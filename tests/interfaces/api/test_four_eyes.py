"""Four eyes cannot be talked around: one person is one, with two tokens, two roles, two keys, or a key and a token.

What takes a second person is approving and paying a withdrawal of one's own, approving one's own proposal, and posting
by hand what is above the threshold.
"""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from domain.users import Role
from interfaces.api.roles import ROLES
from interfaces.api.scopes import SCOPES
from tests.interfaces.api.answers import body, items, problem
from tests.interfaces.api.callers import Caller
from tests.interfaces.api.entries import capital
from tests.interfaces.api.installation import PASSWORD, House, Installation, an_api
from tests.interfaces.api.signers import LOOPBACK, Signer, ed25519_key, hmac_key, machine
from tests.interfaces.api.test_withdrawals import destination, funded, requested

ENTRIES = "ledger/entries"
PAID = {"bank": "main", "reference": "B 17"}
DECIDING = (
    "approve_withdrawal", "reject_withdrawal", "pay_withdrawal", "fail_withdrawal", "return_withdrawal",
    "make_payout_file", "approve_proposal", "reject_proposal", "activate_user", "suspend_user", "set_user_roles",
)  # fmt: skip


@pytest.fixture(scope="session")
def strict(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A process where destinations need not cool down, and 500 USD by hand take two people."""
    settings = {
        **installation.settings,
        "LASTRO_DESTINATION_COOLING_S": "0",
        "LASTRO_SECOND_PERSON_ENTRIES": '{"USD":"500"}',
    }
    home: Path = tmp_path_factory.mktemp("strict")
    with an_api(settings, home) as client:
        yield client


@pytest.fixture
def both(house: House, strict: httpx.Client) -> Caller:
    """Somebody who has a wallet, decides and pays: more roles than anybody should have."""
    roles = (Role.TRADER, Role.MANAGER, Role.OPERATOR, Role.FINANCE)
    return house.person(*roles, email="both@example.org", password=PASSWORD).at(strict)


def with_another_token(house: House, person: Caller, *roles: Role) -> Caller:
    """Return the same person with a token of another session, which names these roles."""
    token = house.installation.office.token(house.tenant, person.user, roles)
    return Caller(http=person.http, user=person.user, token=token)


def selves(house: House, person: Caller) -> list[Caller]:
    """Return one person in every dress that can decide: two sessions, and tokens that show one role each."""
    said = {"tenant": house.tenant, "email": "both@example.org", "password": PASSWORD}
    nobody = Caller(http=person.http)
    logins = [body(nobody.post("auth/login", said, key=None))["access_token"] for _ in range(2)]
    return [
        person,
        *(Caller(http=person.http, user=person.user, token=token) for token in logins),
        *(with_another_token(house, person, role) for role in (Role.MANAGER, Role.OPERATOR, Role.FINANCE)),
    ]


def keys_of(person: Caller) -> list[Signer]:
    """Return keys of a person with every scope there is, of both kinds."""
    scopes = ("read", "trade", "ledger", "withdraw")
    return [make(person, *scopes, addresses=LOOPBACK) for make in (ed25519_key, hmac_key)]


def refused_to(caller: Caller, path: str, said: object = None) -> None:
    """Check that a person may not decide, whether it is their role that forbids it or that it is their own."""
    answer = caller.post(path, said)
    assert answer.status_code == 403, answer.text
    assert answer.json()["code"] in {"self_approval", "role_not_allowed", "scope_not_allowed"}


def test_deciding_is_in_no_scope_of_a_key() -> None:
    assert not SCOPES.keys() & set(DECIDING)
    assert ROLES.keys() >= set(DECIDING)


def test_nobody_decides_on_their_own_withdrawal_in_whatever_dress(house: House, both: Caller) -> None:
    funded(house, both, "400.00")
    to = destination(both)
    by_key = keys_of(both)[0]
    for asker in (both, by_key):
        id = str(body(requested(asker, "50.00", to), 201)["id"])
        dresses = [*selves(house, both), *keys_of(both)]
        for dress in dresses:
            refused_to(dress, f"admin/withdrawals/{id}/approve")
            refused_to(dress, f"admin/withdrawals/{id}/reject", {"reason": "x"})
        problem(both.post(f"admin/withdrawals/{id}/approve"), 403, "self_approval")
        body(house.the(Role.MANAGER).at(both.http).post(f"admin/withdrawals/{id}/approve"))
        for dress in dresses:
            refused_to(dress, f"admin/withdrawals/{id}/paid", PAID)
            refused_to(dress, f"admin/withdrawals/{id}/failed", {"reason": "x"})
        problem(both.post(f"admin/withdrawals/{id}/paid", PAID), 403, "self_approval")
        last = house.the(Role.OPERATOR).at(both.http).post(f"admin/withdrawals/{id}/paid", PAID)
        assert body(last)["status"] == "paid"


def test_who_proposed_that_a_withdrawal_be_approved_does_not_approve_it_in_whatever_dress(
    house: House, both: Caller
) -> None:
    trader = house.trader.at(both.http)
    funded(house, trader, "400.00")
    house_rich(house, trader)
    id = str(body(requested(trader, "3000.00", destination(trader)), 201)["id"])
    proposal = body(both.post(f"admin/withdrawals/{id}/approve"), 202)["proposal"]["id"]
    for dress in [*selves(house, both), *keys_of(both)]:
        refused_to(dress, f"proposals/{proposal}/approve")
        refused_to(dress, f"proposals/{proposal}/reject", {"reason": "x"})
    problem(both.post(f"proposals/{proposal}/approve"), 403, "self_approval")
    refused_to(trader, f"proposals/{proposal}/approve")
    other = house.the(Role.MANAGER).at(both.http)
    assert body(other.post(f"proposals/{proposal}/approve"))["result"]["status"] == "approved"


def house_rich(house: House, trader: Caller) -> None:
    for _ in range(10):
        funded(house, trader, "400.00")


def test_who_proposed_a_large_entry_does_not_approve_it_in_whatever_dress(house: House, both: Caller) -> None:
    proposal = body(both.post(ENTRIES, capital("500.01")), 202)["proposal"]["id"]
    for dress in [*selves(house, both), *keys_of(both)]:
        refused_to(dress, f"proposals/{proposal}/approve")
    problem(both.post(f"proposals/{proposal}/approve"), 403, "self_approval")
    other = house.finance.at(both.http)
    approved = other.post(f"proposals/{proposal}/approve")
    assert body(approved)["status"] == "approved"
    (listed,) = items(other.get("proposals", after=approved))
    assert (listed["proposed_by"], listed["decided_by"]) == (both.user, other.user)


def test_a_program_proposes_nothing_so_that_whoever_made_its_key_does_not_approve_it(
    house: House, strict: httpx.Client, both: Caller
) -> None:
    programs = [machine(house, "ledger").at(strict), *keys_of(both)]
    for program in programs:
        assert body(program.post(ENTRIES, capital("500.00")), 201)
        written = house.written()
        problem(program.post(ENTRIES, capital("500.01")), 403, "second_person_needed")
        bulk = {"entries": [capital("1.00"), capital("500.01")], "atomic": False}
        problem(program.post(f"{ENTRIES}/bulk", bulk), 403, "second_person_needed")
        assert house.written() == written
    assert items(house.finance.get("proposals", after=house.head())) == []


def test_a_large_entry_is_not_posted_in_parts_of_one_request(house: House, both: Caller) -> None:
    split = capital("300.00")
    split["postings"] += capital("300.00")["postings"]
    body(both.post(ENTRIES, split), 202)
    assert items(house.finance.get(ENTRIES, after=house.head(), kind=split["kind"])) == []


def test_nobody_gives_themselves_another_role_or_lifts_their_own_suspension(house: House) -> None:
    admin = house.admin
    for dress in (admin, with_another_token(house, admin, Role.ADMIN)):
        problem(dress.send("PUT", f"admin/users/{admin.user}/roles", json={"roles": ["finance"]}), 403, "own_account")
        problem(dress.post(f"admin/users/{admin.user}/suspend"), 403, "own_account")
    bot = hmac_key(house.person(Role.ADMIN, Role.AUDITOR), "read")
    problem(bot.send("PUT", f"admin/users/{admin.user}/roles", json={"roles": ["finance"]}), 403, "scope_not_allowed")
