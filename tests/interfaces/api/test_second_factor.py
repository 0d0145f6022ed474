"""A second factor: enrolled with a QR code, asked for at logins and step-ups, each code good once, reset by another."""

import time
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import pyotp
import pytest

from domain.users import Role
from tests.interfaces.api.answers import body, problem
from tests.interfaces.api.callers import Caller
from tests.interfaces.api.installation import PASSWORD, House, until
from tests.interfaces.api.post import kinds

EMAIL = "ana@example.org"
STEP_S = 30


class Device:
    """An authenticator: it knows the secret, and shows codes that were not shown before."""

    def __init__(self, secret: str) -> None:
        self.totp = pyotp.TOTP(secret)
        self.last = int(time.time()) // STEP_S - 2

    def code(self) -> str:
        """Show the code of the next step that the server takes: of the step before, of now, of the next one."""
        self.last += 1
        until(lambda: self.last <= int(time.time()) // STEP_S + 1, within_s=2 * STEP_S)
        return self.totp.at(self.last * STEP_S)

    def wrong(self) -> str:
        near = {self.totp.at(time.time() + STEP_S * step) for step in range(-3, 4)}
        return next(code for code in map("{:06}".format, range(10)) if code not in near)


@pytest.fixture
def ana(house: House) -> Caller:
    """A trader with a password, whose token stands for a fresh proof."""
    return house.person(Role.TRADER, email=EMAIL, password=PASSWORD)


def login(house: House, caller: Caller, **more: str) -> httpx.Response:
    said = {"tenant": house.tenant, "email": EMAIL, "password": PASSWORD, **more}
    return Caller(http=caller.http).post("auth/login", said, key=None)


def enrolled(ana: Caller) -> tuple[Device, list[str]]:
    device = Device(body(ana.post("me/second-factor"))["secret"])
    codes = body(ana.post("me/second-factor/confirm", {"code": device.code()}))["backup_codes"]
    return device, codes


def test_an_enrolment_is_a_qr_code_of_the_uri_and_asks_for_nothing_until_it_is_confirmed(
    house: House, ana: Caller
) -> None:
    made = body(ana.post("me/second-factor"))
    uri = urlsplit(made["uri"])
    assert (uri.scheme, uri.netloc, unquote(uri.path)) == ("otpauth", "totp", f"/Lastro:{EMAIL}")
    assert parse_qs(uri.query) == {"secret": [made["secret"]], "issuer": ["Lastro"]}
    assert "<svg" in unquote(made["qr_svg"].removeprefix("data:image/svg+xml"))
    assert b64decode(made["qr_png"].removeprefix("data:image/png;base64,")).startswith(b"\x89PNG")
    body(login(house, ana))
    assert body(ana.get("me/second-factor")) == {"enabled": False, "backup_codes_left": 0}
    problem(ana.post("me/second-factor/confirm", {"code": Device(made["secret"]).wrong()}), 401, "wrong_second_factor")
    body(login(house, ana))


def test_a_login_wants_a_code_that_was_never_used_in_either_process(house: House, ana: Caller) -> None:
    device, _ = enrolled(ana)
    other = ana.at(house.installation.apis[1])
    assert body(ana.get("me/second-factor")) == {"enabled": True, "backup_codes_left": 10}
    problem(login(house, ana), 401, "second_factor_required")
    problem(login(house, ana, password="not it"), 401, "wrong_credentials")
    code = device.code()
    said = body(login(house, ana, code=code))
    assert said.keys() == {"access_token", "expires_in", "refresh_token"}
    for where in (ana, other):
        problem(login(house, where, code=code), 401, "wrong_second_factor")
    assert kinds(house) == ["second_factor_on"]


def test_of_many_logins_at_once_with_one_code_one_comes_in(house: House, ana: Caller) -> None:
    device, _ = enrolled(ana)
    code = device.code()
    callers = [ana.at(house.installation.apis[number % 2]) for number in range(4)]
    with ThreadPoolExecutor(4) as threads:
        statuses = sorted(threads.map(lambda caller: login(house, caller, code=code).status_code, callers))
    assert statuses == [200, 401, 401, 401]


def test_a_backup_code_is_good_once_and_only_hashes_are_kept(house: House, ana: Caller) -> None:
    _, codes = enrolled(ana)
    assert len(set(codes)) == 10
    body(login(house, ana, code=codes[0].upper().replace("-", " ")))
    problem(login(house, ana, code=codes[0]), 401, "wrong_second_factor")
    assert body(ana.get("me/second-factor"))["backup_codes_left"] == 9
    kept = house.installation.office.sql("SELECT hash FROM vault.backup_codes WHERE subject = %s", ana.user)
    assert not {code.replace("-", "") for code in codes} & {hashed for (hashed,) in kept}
    renewed = body(ana.post("me/second-factor/backup-codes"))["backup_codes"]
    problem(login(house, ana, code=codes[1]), 401, "wrong_second_factor")
    body(login(house, ana, code=renewed[1]))


def test_wrong_codes_lock_the_factor_wherever_they_come_from(house: House, ana: Caller) -> None:
    device, codes = enrolled(ana)
    for number in range(5):
        where = ana.at(house.installation.apis[number % 2])
        problem(login(house, where, code=device.wrong()), 401, "wrong_second_factor")
    problem(login(house, ana, code=codes[0]), 429, "login_locked")
    problem(ana.post("auth/step-up", {"code": codes[0]}, key=None), 429, "login_locked")


def test_a_step_up_wants_a_code_of_whoever_has_a_factor(house: House, ana: Caller) -> None:
    problem(ana.post("auth/step-up", {"code": "000000"}, key=None), 401, "no_second_factor")
    device, _ = enrolled(ana)
    problem(ana.post("auth/step-up", {"password": PASSWORD}, key=None), 401, "second_factor_required")
    problem(ana.post("auth/step-up", {}, key=None), 422, "invalid_request")
    fresh = body(ana.post("auth/step-up", {"code": device.code()}, key=None))["access_token"]
    caller = Caller(http=ana.http, user=ana.user, token=fresh)
    assert caller.send("DELETE", "me/second-factor").status_code == 204
    problem(caller.send("DELETE", "me/second-factor"), 409, "no_second_factor")
    body(login(house, ana))
    assert kinds(house)[0] == "second_factor_off"


def test_a_factor_changes_after_a_step_up_only_and_is_not_replaced_while_it_is_on(house: House, ana: Caller) -> None:
    stolen = Caller(
        http=ana.http, user=ana.user, token=house.installation.office.token(house.tenant, ana.user, [Role.TRADER])
    )
    enrolled(ana)
    for answer in (
        stolen.post("me/second-factor"), stolen.post("me/second-factor/backup-codes"),
        stolen.post("me/second-factor/confirm", {"code": "000000"}), stolen.send("DELETE", "me/second-factor"),
    ):  # fmt: skip
        problem(answer, 403, "step_up_required")
    problem(ana.post("me/second-factor"), 409, "second_factor_on")
    problem(ana.post("me/second-factor/confirm", {"code": "000000"}), 409, "second_factor_on")


def test_a_lost_factor_is_reset_by_another_person_with_the_role_and_everybody_learns_it(
    house: House, ana: Caller
) -> None:
    admin = house.person(Role.ADMIN, stepped_up_for=None)
    enrolled(ana)
    path = f"admin/users/{ana.user}/second-factor/reset"
    problem(house.the(Role.MANAGER).post(path), 403, "role_not_allowed")
    problem(admin.post(path), 403, "step_up_required")
    problem(house.admin.post(f"admin/users/{house.admin.user}/second-factor/reset"), 403, "own_account")
    problem(house.admin.post("admin/users/" + "0" * 32 + "/second-factor/reset"), 404, "unknown_user")
    done = house.admin.post(path)
    body(done)
    until(lambda: ana.get("me").status_code == 401)
    body(login(house, ana))
    assert kinds(house)[0] == "second_factor_reset"
    assert body(house.admin.get(f"admin/users/{ana.user}", after=done))["second_factor"] is False
    told = (
        "SELECT topic, actor FROM log.events WHERE tenant = %s AND topic LIKE 'user.second%%' ORDER BY notification_id"
    )
    assert house.installation.office.sql(told, house.tenant) == [
        ("user.second_factor_confirmed.v1", ana.user), ("user.second_factor_removed.v1", house.admin.user),
    ]  # fmt: skip


def test_a_new_password_leaves_the_factor_on(house: House, ana: Caller) -> None:
    device, _ = enrolled(ana)
    changed = ana.post("me/password", {"current": PASSWORD, "password": PASSWORD + "!"}, key=None)
    assert changed.status_code == 204
    problem(login(house, ana, password=PASSWORD + "!"), 401, "second_factor_required")
    body(login(house, ana, password=PASSWORD + "!", code=device.code()))
