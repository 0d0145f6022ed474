"""People register, prove their address, get a new password and end their sessions; nobody learns who is here."""

import httpx
import pytest

from domain.users import Role
from tests.interfaces.api.answers import body, problem
from tests.interfaces.api.callers import Caller
from tests.interfaces.api.installation import PASSWORD, House, until
from tests.interfaces.api.post import messages

ADDRESS = "ana@example.org"
NEW = "another long pass phrase"


@pytest.fixture
def open_house(house: House) -> House:
    """A tenant where strangers may register and are active at once."""
    house.tenant = f"{house.tenant}open"
    house.installation.office.create_tenant(house.tenant, open_registration=True, auto_approve=True)
    return house


def said(house: House, **fields: str) -> dict[str, str]:
    return {"tenant": house.tenant, **fields}


def registered(house: House, email: str = ADDRESS) -> httpx.Response:
    return house.installation.nobody.post("auth/register", said(house, email=email, password=PASSWORD), key=None)


def login(house: House, password: str = PASSWORD, email: str = ADDRESS) -> httpx.Response:
    return house.installation.nobody.post("auth/login", said(house, email=email, password=password), key=None)


def logged_in(house: House, password: str = PASSWORD) -> Caller:
    return Caller(http=house.installation.apis[0], token=body(login(house, password))["access_token"])


def newest(house: House) -> str:
    token = messages(house)[0].message.token
    assert token
    return token


def test_whoever_registers_is_a_trader_and_proves_the_address_once(open_house: House) -> None:
    made = body(registered(open_house), 201)
    assert made["status"] == "ACTIVE"
    me = body(logged_in(open_house).get("me"))
    assert (me["id"], me["roles"], me["email"]) == (made["id"], ["trader"], ADDRESS)
    nobody, token = open_house.installation.nobody, newest(open_house)
    assert nobody.post("auth/verify", said(open_house, token=token), key=None).status_code == 204
    problem(nobody.post("auth/verify", said(open_house, token=token), key=None), 403, "proof_refused")
    verified = "SELECT count(*) FROM log.events WHERE tenant = %s AND topic = 'user.email_verified.v1'"
    assert open_house.installation.office.sql(verified, open_house.tenant) == [(1,)]


def test_an_address_in_use_is_answered_like_any_other_and_its_owner_is_told(open_house: House) -> None:
    first, second = body(registered(open_house), 201), body(registered(open_house), 201)
    assert second.keys() == first.keys()
    assert second["status"] == first["status"]
    assert messages(open_house)[0].message.kind == "address_in_use"
    assert body(logged_in(open_house).get("me"))["id"] == first["id"]


def test_nobody_registers_where_it_is_closed(house: House) -> None:
    problem(registered(house), 403, "registration_closed")
    stranger = {"tenant": "nosuchtenant", "email": ADDRESS, "password": PASSWORD}
    problem(house.installation.nobody.post("auth/register", stranger, key=None), 403, "registration_closed")


def test_a_forgotten_password_is_replaced_and_all_sessions_end(house: House) -> None:
    house.person(Role.TRADER, email=ADDRESS, password=PASSWORD)
    session, nobody = body(login(house)), house.installation.nobody
    for email in (ADDRESS, "nobody@example.org"):
        assert nobody.post("auth/password/forgot", said(house, email=email), key=None).status_code == 204
    assert len(messages(house)) == 1, "nobody is told where nobody has the address"
    proof = newest(house)
    assert nobody.post("auth/password/forgot", said(house, email=ADDRESS), key=None).status_code == 204
    wanted = said(house, token=proof, password=NEW)
    problem(nobody.post("auth/password/reset", wanted, key=None), 403, "proof_refused")
    wanted["token"] = newest(house)
    assert nobody.post("auth/password/reset", wanted, key=None).status_code == 204
    problem(login(house), 401, "wrong_credentials")
    assert login(house, NEW).status_code == 200
    renewed = nobody.post("auth/refresh", {"refresh_token": session["refresh_token"]}, key=None)
    assert renewed.status_code == 401


def test_a_proof_is_good_for_its_purpose_and_tenant_only(house: House) -> None:
    house.person(Role.TRADER, email=ADDRESS, password=PASSWORD)
    nobody = house.installation.nobody
    nobody.post("auth/password/forgot", said(house, email=ADDRESS), key=None)
    token = newest(house)
    problem(nobody.post("auth/verify", said(house, token=token), key=None), 403, "proof_refused")
    elsewhere = {"tenant": house.installation.a_house().tenant, "token": token, "password": NEW}
    problem(nobody.post("auth/password/reset", elsewhere, key=None), 403, "proof_refused")


def test_the_own_password_is_changed_with_the_one_so_far(house: House) -> None:
    house.person(Role.TRADER, email=ADDRESS, password=PASSWORD)
    caller = logged_in(house)
    wrong = caller.post("me/password", {"current": "not it at all", "password": NEW}, key=None)
    problem(wrong, 401, "wrong_credentials")
    changed = caller.post("me/password", {"current": PASSWORD, "password": NEW}, key=None)
    assert changed.status_code == 204, changed.text
    until(lambda: caller.get("me").status_code == 401)
    assert (login(house).status_code, login(house, NEW).status_code) == (401, 200)


def test_sessions_are_listed_and_ended_everywhere(house: House) -> None:
    house.person(Role.TRADER, email=ADDRESS, password=PASSWORD)
    tokens = [body(login(house))["refresh_token"] for _ in range(2)]
    caller = logged_in(house)
    elsewhere = caller.at(house.installation.apis[1])
    assert len(body(caller.get("me/sessions"))["sessions"]) == 3
    assert caller.send("DELETE", "me/sessions").status_code == 204
    for token in tokens:
        renewed = house.installation.nobody.post("auth/refresh", {"refresh_token": token}, key=None)
        assert renewed.status_code == 401
    until(lambda: caller.get("me").status_code == elsewhere.get("me").status_code == 401)
    assert body(logged_in(house).get("me/sessions"))["sessions"] != []
