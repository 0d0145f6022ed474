"""What a stolen access token must not do wants a fresh proof, which gives a new token; the old one stays as it was."""

from pathlib import Path

import jwt
import pytest

from domain.users import Role
from interfaces.api.tokens import ALGORITHM
from tests.interfaces.api.answers import body, problem
from tests.interfaces.api.callers import Caller
from tests.interfaces.api.installation import PASSWORD, House, an_api, until

EMAIL = "ana@example.org"
IBAN = {"kind": "iban", "asset": "USD", "holder": "Ana Souza", "iban": "GB82 WEST 1234 5698 7654 32"}


@pytest.fixture
def ana(house: House) -> Caller:
    """A trader with a password, and a token as a login gives it."""
    return house.person(Role.TRADER, email=EMAIL, password=PASSWORD, stepped_up_for=None)


def proven(caller: Caller, password: str = PASSWORD) -> Caller:
    said = body(caller.post("auth/step-up", {"password": password}, key=None))
    assert said.keys() == {"access_token", "expires_in", "step_up_expires_in"}
    return Caller(http=caller.http, user=caller.user, token=said["access_token"])


def test_destinations_want_a_fresh_proof_and_the_token_of_before_gains_nothing(house: House, ana: Caller) -> None:
    before = house.written()
    problem(ana.post("destinations", IBAN, key="one"), 403, "step_up_required")
    assert house.written() == before, "the key is still free"
    fresh = proven(ana)
    id = body(fresh.post("destinations", IBAN, key="one"), 201)["id"]
    problem(ana.post("destinations", IBAN), 403, "step_up_required")
    problem(ana.send("DELETE", f"destinations/{id}"), 403, "step_up_required")
    body(fresh.at(house.installation.apis[1]).send("DELETE", f"destinations/{id}"))


def test_a_login_is_no_step_up(house: House, ana: Caller) -> None:
    said = body(ana.post("auth/login", {"tenant": house.tenant, "email": EMAIL, "password": PASSWORD}, key=None))
    caller = Caller(http=ana.http, token=said["access_token"])
    problem(caller.post("destinations", IBAN), 403, "step_up_required")


def test_a_step_up_ends_before_its_token(house: House, ana: Caller, tmp_path: Path) -> None:
    with an_api({**house.installation.settings, "LASTRO_STEP_UP_S": "1"}, tmp_path) as api:
        fresh = proven(ana.at(api))
        until(lambda: fresh.send("DELETE", "destinations/" + "0" * 32).status_code == 403)
        problem(fresh.send("DELETE", "destinations/" + "0" * 32), 403, "step_up_required")
        assert fresh.get("me").status_code == 200


def test_guesses_at_a_step_up_lock_it_as_they_lock_a_login(ana: Caller) -> None:
    for _ in range(5):
        problem(ana.post("auth/step-up", {"password": "wrong"}, key=None), 401, "wrong_credentials")
    problem(ana.post("auth/step-up", {"password": PASSWORD}, key=None), 429, "login_locked")
    wanted = {"current": PASSWORD, "password": "another long pass phrase"}
    problem(ana.post("me/password", wanted, key=None), 429, "login_locked")


def test_a_suspension_ends_a_step_up(house: House, ana: Caller) -> None:
    fresh = proven(ana)
    body(house.admin.post(f"admin/users/{ana.user}/suspend"))
    until(lambda: fresh.post("destinations", IBAN).status_code == 401)


def test_a_step_up_that_nobody_signed_is_none(ana: Caller) -> None:
    assert ana.token is not None
    claims = jwt.decode(ana.token, options={"verify_signature": False}) | {"step_up": 4e9}
    forged = Caller(http=ana.http, token=jwt.encode(claims, "x" * 32, algorithm=ALGORITHM))
    problem(forged.post("destinations", IBAN), 401, "unauthenticated")
