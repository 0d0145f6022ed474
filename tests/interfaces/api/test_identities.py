"""Login at a provider: through the whole exchange, and nobody comes in who is not who the provider verified."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.users import Role
from tests.interfaces.api.answers import body, problem
from tests.interfaces.api.callers import Caller
from tests.interfaces.api.installation import PASSWORD, House, Installation, an_api
from tests.interfaces.api.post import kinds, messages
from tests.interfaces.api.test_second_factor import enrolled
from tests.interfaces.identity_server import CLIENT, REDIRECT, SECRET, IdentityServer, Person, serving

EMAIL = "ana@example.org"
BOTH = pytest.mark.parametrize("provider", ["google", "github"])


@pytest.fixture(scope="session")
def server() -> Iterator[IdentityServer]:
    with serving() as running:
        yield running


@pytest.fixture(scope="session")
def doors(
    installation: Installation, server: IdentityServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """A process with both providers."""
    settings = {
        **installation.settings,
        "LASTRO_OAUTH_REDIRECT_URL": REDIRECT,
        "LASTRO_OAUTH_GOOGLE_CLIENT_ID": CLIENT,
        "LASTRO_OAUTH_GOOGLE_CLIENT_SECRET": SECRET,
        "LASTRO_OAUTH_GOOGLE_ISSUER": f"{server.url}/google",
        "LASTRO_OAUTH_GITHUB_CLIENT_ID": CLIENT,
        "LASTRO_OAUTH_GITHUB_CLIENT_SECRET": SECRET,
        "LASTRO_OAUTH_GITHUB_URL": f"{server.url}/github",
        "LASTRO_OAUTH_GITHUB_API_URL": f"{server.url}/api",
    }
    home: Path = tmp_path_factory.mktemp("doors")
    with an_api(settings, home) as client:
        yield client


class Browser:
    """A browser that begins a login, goes to the provider as somebody, and comes back."""

    def __init__(self, doors: httpx.Client, server: IdentityServer, house: House) -> None:
        self.nobody, self._server, self._house = Caller(http=doors), server, house

    def begin(self, provider: str, person: Person) -> dict[str, str]:
        """Return what the browser has when it comes back."""
        said = {"tenant": self._house.tenant}
        started = body(self.nobody.post(f"auth/oauth/{provider}/start", said, key=None))
        return {**self._server.log_in(started["authorization_url"], person), "flow": started["flow"]}

    def finish(self, provider: str, came: dict[str, str]) -> httpx.Response:
        return self.nobody.post(f"auth/oauth/{provider}/finish", came, key=None)

    def log_in(self, provider: str, person: Person) -> httpx.Response:
        return self.finish(provider, self.begin(provider, person))

    def me(self, answer: httpx.Response) -> dict[str, Any]:
        return body(Caller(http=self.nobody.http, token=body(answer)["access_token"]).get("me"))


@pytest.fixture
def browser(doors: httpx.Client, server: IdentityServer, house: House) -> Iterator[Browser]:
    house.tenant = f"{house.tenant}open"
    house.installation.office.create_tenant(house.tenant, open_registration=True, auto_approve=True)
    yield Browser(doors, server, house)
    server.forged = server.away = False


def proven(house: House, browser: Browser) -> Caller:
    """Make somebody who has proven the address, with a password."""
    ana = house.person(Role.TRADER, email=EMAIL, password=PASSWORD)
    browser.nobody.post("auth/password/forgot", {"tenant": house.tenant, "email": EMAIL}, key=None)
    token = messages(house)[0].message.token
    new = {"tenant": house.tenant, "token": token, "password": PASSWORD}
    assert browser.nobody.post("auth/password/reset", new, key=None).status_code == 204
    office = house.installation.office
    return Caller(http=ana.http, user=ana.user, token=office.token(house.tenant, ana.user, [Role.TRADER]))


@BOTH
def test_a_newcomer_is_registered_once_with_the_address_that_the_provider_verified(
    browser: Browser, house: House, provider: str
) -> None:
    person = Person(id="4711", email=EMAIL)
    first = browser.log_in(provider, person)
    assert body(first).keys() == {"access_token", "expires_in", "refresh_token"}
    me = browser.me(first)
    assert (me["email"], me["roles"], me["status"]) == (EMAIL, ["trader"], "ACTIVE")
    person.email = "moved@example.org"
    assert browser.me(browser.log_in(provider, person))["id"] == me["id"], "the account counts, not its address"
    caller = Caller(http=browser.nobody.http, token=body(browser.log_in(provider, person))["access_token"])
    assert body(caller.get("me/identities")) == {"providers": [provider]}
    assert kinds(house) == ["identity_linked"]
    told = "SELECT topic FROM log.events WHERE tenant = %s AND originator_id LIKE '%%:user-%%' ORDER BY notification_id"
    assert [topic for (topic,) in house.installation.office.sql(told, house.tenant)] == [
        "user.registered.v1", "user.email_verified.v1", "user.identity_linked.v1",
    ]  # fmt: skip


@BOTH
def test_an_account_is_linked_over_an_address_that_both_sides_have_proven(
    browser: Browser, house: House, provider: str
) -> None:
    ana = proven(house, browser)
    assert browser.me(browser.log_in(provider, Person(id="4711", email="ANA@example.org")))["id"] == ana.user
    assert kinds(house)[0] == "identity_linked"


@BOTH
def test_an_address_that_the_provider_has_not_verified_opens_nothing(
    browser: Browser, house: House, provider: str
) -> None:
    proven(house, browser)
    before = house.written()
    problem(browser.log_in(provider, Person(id="666", email=EMAIL, verified=False)), 403, "email_unverified")
    problem(
        browser.log_in(provider, Person(id="667", email="new@example.org", verified=False)), 403, "email_unverified"
    )
    assert house.written() == before


@BOTH
def test_an_account_whose_address_nobody_has_proven_here_is_not_linked_until_it_is(
    browser: Browser, house: House, provider: str
) -> None:
    """Otherwise who registers with somebody else's address waits in the account for its owner."""
    squatter = house.person(Role.TRADER, email=EMAIL, password="the squatter's password")
    problem(browser.log_in(provider, Person(id="4711", email=EMAIL)), 403, "account_not_linked")
    proven_now = {"tenant": house.tenant, "email": EMAIL}
    browser.nobody.post("auth/password/forgot", proven_now, key=None)
    new = {"tenant": house.tenant, "token": messages(house)[0].message.token, "password": PASSWORD}
    assert browser.nobody.post("auth/password/reset", new, key=None).status_code == 204
    assert browser.me(browser.log_in(provider, Person(id="4711", email=EMAIL)))["id"] == squatter.user
    old = {"tenant": house.tenant, "email": EMAIL, "password": "the squatter's password"}
    problem(browser.nobody.post("auth/login", old, key=None), 401, "wrong_credentials")


@BOTH
def test_a_second_factor_is_asked_for_and_the_same_login_goes_on(browser: Browser, house: House, provider: str) -> None:
    ana = proven(house, browser)
    fresh = body(ana.post("auth/step-up", {"password": PASSWORD}, key=None))["access_token"]
    device, _ = enrolled(Caller(http=ana.http, user=ana.user, token=fresh))
    came = browser.begin(provider, Person(id="4711", email=EMAIL))
    problem(browser.finish(provider, came), 401, "second_factor_required")
    problem(browser.finish(provider, {**came, "second_factor": device.wrong()}), 401, "wrong_second_factor")
    answer = browser.finish(provider, {**came, "second_factor": device.code()})
    assert browser.me(answer)["id"] == ana.user
    problem(browser.finish(provider, came), 401, "login_refused")


@BOTH
def test_what_comes_back_is_good_once_for_the_browser_tenant_and_provider_that_began(
    browser: Browser, house: House, provider: str
) -> None:
    person = Person(id="4711", email=EMAIL)
    other = browser.begin(provider, Person(id="666", email="thief@example.org"))
    came = browser.begin(provider, person)
    tenant = house.installation.a_house().tenant
    elsewhere = {"google": "github", "github": "google"}[provider]
    problem(browser.finish(provider, {**came, "flow": other["flow"]}), 401, "login_refused")
    problem(browser.finish(provider, {**came, "state": other["state"]}), 401, "login_refused")
    moved = {**came, "state": f"{tenant}.{came['state'].partition('.')[2]}"}
    problem(browser.finish(provider, moved), 401, "login_refused")
    problem(browser.finish(elsewhere, came), 401, "login_refused")
    problem(browser.finish(provider, {**came, "state": "x"}), 401, "login_refused")
    assert browser.me(browser.finish(provider, came))["email"] == EMAIL
    problem(browser.finish(provider, came), 401, "login_refused")
    again = browser.begin(provider, person)
    problem(browser.finish(provider, {**again, "code": came["code"]}), 401, "login_refused")


@BOTH
def test_a_code_of_another_login_does_not_fit_the_verifier(browser: Browser, provider: str) -> None:
    first, second = (browser.begin(provider, Person(id="4711", email=EMAIL)) for _ in range(2))
    problem(browser.finish(provider, {**first, "code": second["code"]}), 401, "login_refused")


WRONG_CLAIMS: dict[str, dict[str, object]] = {
    "another issuer": {"iss": "https://accounts.example"},
    "another audience": {"aud": "somebody-else"},
    "another nonce": {"nonce": "of another login"},
    "no nonce": {"nonce": None},
    "yesterday's": {"iat": 1, "exp": 2},
    "another party": {"azp": "somebody-else"},
}


@pytest.mark.parametrize("changes", WRONG_CLAIMS.values(), ids=WRONG_CLAIMS.keys())
def test_an_id_token_that_is_not_of_this_login_is_refused(browser: Browser, changes: dict[str, object]) -> None:
    problem(browser.log_in("google", Person(id="4711", email=EMAIL, changes=changes)), 401, "login_refused")


def test_an_id_token_that_the_provider_did_not_sign_is_refused(browser: Browser, server: IdentityServer) -> None:
    server.forged = True
    problem(browser.log_in("google", Person(id="4711", email=EMAIL)), 401, "login_refused")


def test_an_address_counts_only_where_the_claim_is_true_and_not_a_text(browser: Browser) -> None:
    person = Person(id="4711", email=EMAIL, changes={"email_verified": "false"})
    problem(browser.log_in("google", person), 403, "email_unverified")


@BOTH
def test_a_provider_that_is_away_is_503_and_nothing_is_believed(
    browser: Browser, server: IdentityServer, provider: str
) -> None:
    came = browser.begin(provider, Person(id="4711", email=EMAIL))
    server.away = True
    answer = browser.finish(provider, came)
    problem(answer, 503, "provider_away")
    assert answer.headers["Retry-After"]
    server.away = False
    problem(browser.finish(provider, came), 401, "login_refused")


def test_a_newcomer_is_refused_where_registration_is_closed(
    doors: httpx.Client, server: IdentityServer, house: House
) -> None:
    answer = Browser(doors, server, house).log_in("google", Person(id="4711", email=EMAIL))
    problem(answer, 403, "registration_closed")


def test_without_settings_there_is_no_provider(house: House, nobody: Caller) -> None:
    for provider in ("google", "github", "nobody"):
        said = {"tenant": house.tenant}
        problem(nobody.post(f"auth/oauth/{provider}/start", said, key=None), 404, "unknown_provider")


def test_a_link_is_taken_off_after_a_step_up(browser: Browser, house: House) -> None:
    ana, person = proven(house, browser), Person(id="4711", email=EMAIL)
    body(browser.log_in("github", person))
    problem(ana.send("DELETE", "me/identities/github"), 403, "step_up_required")
    fresh = body(ana.post("auth/step-up", {"password": PASSWORD}, key=None))["access_token"]
    caller = Caller(http=ana.http, user=ana.user, token=fresh)
    assert caller.send("DELETE", "me/identities/github").status_code == 204
    assert body(caller.get("me/identities")) == {"providers": []}
    problem(caller.send("DELETE", "me/identities/github"), 404, "unknown_identity")


def test_a_provider_opens_no_door_to_the_suspended(browser: Browser, house: House) -> None:
    ana, person = proven(house, browser), Person(id="4711", email=EMAIL)
    body(browser.log_in("google", person))
    body(house.admin.post(f"admin/users/{ana.user}/suspend"))
    problem(browser.log_in("google", person), 403, "user_not_active")
