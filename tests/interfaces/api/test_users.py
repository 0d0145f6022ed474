"""Administrators and managers see the users of their tenant and change their status and roles."""

from functools import partial

from domain.users import Role, Status
from tests.interfaces.api.answers import body, items, pointers, problem
from tests.interfaces.api.callers import Caller
from tests.interfaces.api.installation import PASSWORD, House, until

USERS = "admin/users"


def test_a_user_is_shown_with_the_address_that_only_the_vault_has(house: House) -> None:
    bob = house.person(Role.TRADER, email="bob@example.org", status=Status.PENDING)
    admin = house.admin
    last = house.head()
    shown = body(admin.get(f"{USERS}/{bob.user}", after=last))
    assert shown.items() >= {
        "id": bob.user, "email": "bob@example.org", "status": "PENDING", "roles": ["trader"],
    }.items()  # fmt: skip
    assert "subject" not in shown
    listed = items(admin.get(USERS, after=last))
    assert [one["id"] for one in listed] == [bob.user, admin.user]
    assert [one["id"] for one in items(admin.get(USERS, after=last, status="PENDING"))] == [bob.user]


def test_a_user_is_activated_suspended_and_given_roles(house: House) -> None:
    admin, bob = house.admin, house.person(Role.TRADER, status=Status.PENDING)
    path = f"{USERS}/{bob.user}"
    assert body(admin.post(f"{path}/activate")) == {"id": bob.user, "status": "ACTIVE", "roles": ["trader"]}
    assert body(admin.post(f"{path}/activate"))["status"] == "ACTIVE"
    assert body(admin.post(f"{path}/suspend"))["status"] == "SUSPENDED"
    answer = admin.send("PUT", f"{path}/roles", json={"roles": ["viewer", "finance", "viewer"]})
    assert body(answer)["roles"] == ["finance", "viewer"]
    shown = body(admin.get(path, after=answer))
    assert (shown["status"], shown["roles"]) == ("SUSPENDED", ["finance", "viewer"])


def test_a_change_needs_no_key_and_takes_one(house: House) -> None:
    admin, bob = house.admin, house.person(Role.TRADER)
    path = f"{USERS}/{bob.user}/suspend"
    body(admin.post(path, key="once"))
    body(admin.post(f"{USERS}/{bob.user}/activate", key=None))
    again = admin.post(path, key="once")
    assert (body(again)["status"], again.headers["Idempotent-Replayed"]) == ("SUSPENDED", "true")
    assert body(admin.get(f"{USERS}/{bob.user}", after=house.head()))["status"] == "ACTIVE"


def test_nobody_changes_their_own_status_or_roles(house: House) -> None:
    admin = house.admin
    problem(admin.post(f"{USERS}/{admin.user}/suspend"), 403, "own_account")
    problem(admin.send("PUT", f"{USERS}/{admin.user}/roles", json={"roles": ["viewer"]}), 403, "own_account")


def test_a_user_of_another_tenant_is_unknown(house: House) -> None:
    admin, stranger = house.admin, house.installation.a_house().trader
    problem(admin.get(f"{USERS}/{stranger.user}"), 404, "unknown_user")
    problem(admin.post(f"{USERS}/{stranger.user}/suspend"), 404, "unknown_user")
    problem(admin.send("PUT", f"{USERS}/{stranger.user}/roles", json={"roles": ["viewer"]}), 404, "unknown_user")


def test_roles_are_known_ones_and_at_least_one(house: House) -> None:
    admin, bob = house.admin, house.person(Role.TRADER)
    for roles, pointer in (([], "/roles"), (["root"], "/roles/0"), ("admin", "/roles"), ([1], "/roles/0")):
        answer = admin.send("PUT", f"{USERS}/{bob.user}/roles", json={"roles": roles})
        assert pointer in pointers(problem(answer, 422, "invalid_request"))


def test_the_tokens_of_a_suspended_user_stop_at_once_for_queries_too_and_new_ones_work_again(house: House) -> None:
    bob = house.person(Role.TRADER, email="bob@example.org", password=PASSWORD)
    assert bob.get("balances").status_code == 200
    assert house.admin.post(f"{USERS}/{bob.user}/suspend").status_code == 200
    for one in map(bob.at, house.installation.apis):
        until(partial(is_refused, one))
    assert house.admin.post(f"{USERS}/{bob.user}/activate").status_code == 200
    assert bob.get("balances").status_code == 401, "what was issued before stays no good"
    assert logged_in(house, "bob@example.org").get("balances").status_code == 200


def test_a_change_of_roles_ends_the_tokens_that_name_the_old_ones(house: House) -> None:
    bob = house.person(Role.FINANCE, email="bob@example.org", password=PASSWORD)
    assert house.admin.send("PUT", f"{USERS}/{bob.user}/roles", json={"roles": ["trader"]}).status_code == 200
    until(lambda: bob.get("ledger/trial-balance").status_code == 401)
    problem(logged_in(house, "bob@example.org").get("ledger/trial-balance"), 403, "role_not_allowed")


def is_refused(caller: Caller) -> bool:
    return caller.get("balances").status_code == 401


def logged_in(house: House, email: str) -> Caller:
    said = {"tenant": house.tenant, "email": email, "password": PASSWORD}
    answer = house.installation.nobody.post("auth/login", said, key=None)
    return Caller(http=house.installation.apis[0], token=body(answer)["access_token"])
