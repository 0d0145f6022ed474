"""What is personal or secret stands nowhere but where it belongs: values are planted, and everything is searched.

Searched are all tables of the database (the vault among them, where all is sealed), the logs of all processes, the
metrics, and every answer that is a problem.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.interfaces.api.answers import body, problem
from tests.interfaces.api.callers import Caller
from tests.interfaces.api.installation import PASSWORD, House, Installation, an_api, until
from tests.interfaces.api.post import messages
from tests.interfaces.api.processes import running
from tests.interfaces.api.test_identities import Browser
from tests.interfaces.api.test_second_factor import Device
from tests.interfaces.identity_server import CLIENT, REDIRECT, SECRET, IdentityServer, Person
from tests.interfaces.identity_server import serving as serving_identities
from tests.interfaces.mail.mail_server import HOST, MailServer, self_signed
from tests.interfaces.mail.mail_server import PASSWORD as SMTP_PASSWORD
from tests.interfaces.mail.mail_server import USER as SMTP_USER
from tests.interfaces.mail.mail_server import serving as serving_mail

EMAIL, OTHER = "planted-ana@example.org", "planted-bob@example.org"
WRONG, NEW = "planted wrong pass phrase", "planted new pass phrase"
IBAN = "GB82WEST12345698765432"

_TABLES = """
    SELECT format('%%I.%%I', n.nspname, c.relname)
    FROM pg_class AS c INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
"""


@dataclass(kw_only=True)
class Scene:
    """A process of the test's own, which logs where only it does; every problem it answered; and what is secret."""

    api: httpx.Client
    home: Path
    settings: Mapping[str, str]
    identities: IdentityServer
    mail: MailServer
    problems: list[str] = field(default_factory=list)
    secrets: list[str] = field(
        default_factory=lambda: [EMAIL, OTHER, PASSWORD, WRONG, NEW, SECRET, SMTP_PASSWORD, IBAN]
    )

    def keep(self, answer: httpx.Response) -> None:
        """Keep an answer that is a problem, as any client might."""
        if answer.is_error:
            self.problems.append(answer.read().decode() + str(answer.headers))

    @property
    def logs(self) -> str:
        """What all processes said."""
        return "".join(log.read_text() for log in self.home.glob("*.log"))


@pytest.fixture
def scene(installation: Installation, tmp_path: Path) -> Iterator[Scene]:
    certificate = self_signed(tmp_path)
    with (
        serving_identities() as identities,
        serving_mail(MailServer(), tls="starttls", certificate=certificate) as mail,
    ):
        settings = {
            **installation.settings,
            "LASTRO_OAUTH_REDIRECT_URL": REDIRECT,
            "LASTRO_OAUTH_GOOGLE_CLIENT_ID": CLIENT,
            "LASTRO_OAUTH_GOOGLE_CLIENT_SECRET": SECRET,
            "LASTRO_OAUTH_GOOGLE_ISSUER": f"{identities.url}/google",
            "LASTRO_SMTP_HOST": HOST,
            "LASTRO_SMTP_PORT": str(mail.port),
            "LASTRO_SMTP_FROM": "Lastro <post@lastro.example>",
            "LASTRO_SMTP_USER": SMTP_USER,
            "LASTRO_SMTP_PASSWORD": SMTP_PASSWORD,
            "LASTRO_SMTP_CA_FILE": str(certificate),
        }
        with an_api(settings, tmp_path) as api:
            made = Scene(api=api, home=tmp_path, settings=settings, identities=identities, mail=mail)
            api.event_hooks["response"].append(made.keep)
            yield made


def kept(house: House) -> str:
    """Return every row of every table as text; bytes show what they say."""
    sql = house.installation.office.sql
    return "\n".join(str(row) for (table,) in sql(_TABLES) for row in sql(f"TABLE {table}"))


def comes_in(scene: Scene, house: House) -> Caller:
    """Somebody registers, proves the address and logs in, with a good many wrong answers on the way."""
    nobody, who = Caller(http=scene.api), {"tenant": house.tenant, "email": EMAIL}
    body(nobody.post("auth/register", {**who, "password": PASSWORD, "name": "Planted Ana"}, key=None), 201)
    proof = str(messages(house)[0].message.token)
    problem(nobody.post("auth/verify", {"tenant": "main", "token": proof}, key=None), 403, "proof_refused")
    assert nobody.post("auth/verify", {"tenant": house.tenant, "token": proof}, key=None).status_code == 204
    problem(nobody.post("auth/login", {**who, "password": WRONG}, key=None), 401, "wrong_credentials")
    problem(nobody.post("auth/login", {**who, "password": PASSWORD, "more": WRONG}, key=None), 422, "invalid_request")
    said = body(nobody.post("auth/login", {**who, "password": PASSWORD}, key=None))
    ana = Caller(http=scene.api, token=said["access_token"])
    problem(ana.post("auth/step-up", {"password": WRONG}, key=None), 401, "wrong_credentials")
    fresh = body(ana.post("auth/step-up", {"password": PASSWORD}, key=None))["access_token"]
    scene.secrets += ["Planted Ana", proof, said["access_token"], said["refresh_token"], fresh]
    return Caller(http=scene.api, token=fresh)


def has_a_second_factor(scene: Scene, house: House, ana: Caller) -> None:
    """The same person enrols a second factor and uses a backup code, twice."""
    login = {"tenant": house.tenant, "email": EMAIL, "password": PASSWORD}
    nobody, made = Caller(http=scene.api), body(ana.post("me/second-factor"))
    device = Device(made["secret"])
    problem(ana.post("me/second-factor/confirm", {"code": "planted!" + device.wrong()}), 422, "invalid_request")
    codes = body(ana.post("me/second-factor/confirm", {"code": device.code()}))["backup_codes"]
    problem(nobody.post("auth/login", login, key=None), 401, "second_factor_required")
    body(nobody.post("auth/login", {**login, "code": codes[0]}, key=None))
    problem(nobody.post("auth/login", {**login, "code": codes[0]}, key=None), 401, "wrong_second_factor")
    scene.secrets += [made["secret"], made["uri"], *codes]


def comes_in_by_a_provider(scene: Scene, house: House) -> None:
    """Somebody else comes in by a provider, which does not always answer."""
    browser = Browser(scene.api, scene.identities, house)
    came = browser.begin("google", Person(id="planted-4711", email=OTHER))
    other = body(browser.finish("google", came))
    problem(browser.finish("google", came), 401, "login_refused")
    again = browser.begin("google", Person(id="planted-4711", email=OTHER))
    scene.identities.away = True
    problem(browser.finish("google", again), 503, "provider_away")
    scene.secrets += [*came.values(), *again.values(), "planted-4711", "planted-oauth", *scene.identities.issued]
    scene.secrets += [other["access_token"], other["refresh_token"]]


def has_mail(scene: Scene) -> None:
    """The messages are handed in, at first with a wrong password."""
    log, wrong = scene.home / "worker.log", {"LASTRO_SMTP_PASSWORD": f"{SMTP_PASSWORD}, but wrong"}
    with running("worker", {**scene.settings, **wrong}, log=log):
        until(lambda: "SMTPAuthenticationError" in log.read_text())
    with running("worker", scene.settings, log=log):
        until(lambda: {letter["To"] for letter in scene.mail.letters} >= {EMAIL, OTHER})


def test_planted_values_are_found_nowhere(scene: Scene, house: House) -> None:
    house.tenant = f"{house.tenant}open"
    house.installation.office.create_tenant(house.tenant, open_registration=True, auto_approve=True)
    ana = comes_in(scene, house)
    has_a_second_factor(scene, house, ana)
    account = {"kind": "iban", "asset": "USD", "holder": "Planted Ana", "iban": IBAN}
    body(ana.post("destinations", account), 201)
    problem(ana.post("destinations", {**account, "iban": f"{IBAN}7"}), 422, "invalid_request")
    comes_in_by_a_provider(scene, house)
    assert ana.post("me/password", {"current": PASSWORD, "password": NEW}, key=None).status_code == 204
    has_mail(scene)
    searched = {
        "the database": kept(house),
        "the logs": scene.logs,
        "the metrics": Caller(http=scene.api).get("/metrics").text,
        "the problems": "\n".join(scene.problems),
    }
    assert all(searched.values())
    for place, text in searched.items():
        for secret in scene.secrets:
            assert secret not in text, f"{secret[:12]}… stands in {place}"
