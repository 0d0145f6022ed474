"""An installation for tests of the API: a database, two API processes and a worker, all real, reached over TCP.

Tests live in tenants of their own, so one installation serves them all. People are made by the use cases that the
command line calls; everything else goes through HTTP.
"""

import itertools
import socket
import time
import uuid
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx

from domain.users import Role, Status
from interfaces.postgres.configuration import Urls
from tests.interfaces.api.callers import Caller
from tests.interfaces.api.office import MASTER_KEY, Office
from tests.interfaces.api.processes import running

PASSWORD = "a long enough pass phrase"
READY_WITHIN_S = 60.0
STEPPED_UP = timedelta(minutes=5)
METRICS_TOKEN = "only for the scraper"
NO_LIMITS = {"LASTRO_LIMIT_ANONYMOUS": "0", "LASTRO_LIMIT_USERS": "0", "LASTRO_LIMIT_ADMINS": "0"}


@dataclass(slots=True, kw_only=True)
class Installation:
    """The running processes, and the doors into them."""

    office: Office
    apis: tuple[httpx.Client, httpx.Client]
    urls: Urls
    settings: Mapping[str, str]
    home: Path
    _tenants: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def a_house(self) -> "House":
        """Create a tenant."""
        tenant = f"tenant{next(self._tenants)}"
        self.office.create_tenant(tenant)
        return House(installation=self, tenant=tenant)

    @property
    def nobody(self) -> Caller:
        """Somebody without a token."""
        return Caller(http=self.apis[0])


@dataclass(slots=True, kw_only=True)
class House:
    """A tenant and its people."""

    installation: Installation
    tenant: str
    _people: dict[Role, Caller] = field(default_factory=dict)

    def person(
        self,
        *roles: Role,
        email: str | None = None,
        password: str | None = None,
        status: Status = Status.ACTIVE,
        stepped_up_for: timedelta | None = STEPPED_UP,
    ) -> Caller:
        """Make a user with these roles and a token, which stands for a fresh proof unless it is said to be none."""
        user, office = uuid.uuid4().hex, self.installation.office
        office.create_user(
            self.tenant, user, roles, status=status, email=email or f"{user}@example.org", password=password
        )
        token = office.token(self.tenant, user, roles, stepped_up_for=stepped_up_for)
        return Caller(http=self.installation.apis[0], user=user, token=token)

    def the(self, role: Role) -> Caller:
        """Return the one person with a role."""
        if role not in self._people:
            self._people[role] = self.person(role)
        return self._people[role]

    @property
    def finance(self) -> Caller:
        return self.the(Role.FINANCE)

    @property
    def trader(self) -> Caller:
        return self.the(Role.TRADER)

    @property
    def auditor(self) -> Caller:
        return self.the(Role.AUDITOR)

    @property
    def admin(self) -> Caller:
        return self.the(Role.ADMIN)

    def head(self) -> int:
        """Return the last log position."""
        return int(self.installation.office.sql("SELECT max(notification_id) FROM log.events")[0][0])

    def written(self) -> int:
        """Return how many events and receipts the tenant has."""
        counted = "SELECT (SELECT count(*) FROM log.events WHERE tenant = %s) + count(*) FROM log.receipts"
        return int(self.installation.office.sql(f"{counted} WHERE tenant = %s", self.tenant, self.tenant)[0][0])


@contextmanager
def installed(urls: Urls, home: Path, **more: str) -> Iterator[Installation]:
    """Run an installation on a migrated database; `more` are settings."""
    key = home / "master.key"
    key.write_bytes(b64encode(MASTER_KEY))
    signing = home / "evidence.key"
    signing.write_bytes(b64encode(MASTER_KEY))
    settings = {
        "LASTRO_DATA": str(home / "data"),
        "LASTRO_DATABASE_URL": urls.app,
        "LASTRO_OWNER_URL": urls.owner,
        "LASTRO_PROJECTOR_URL": urls.projector,
        "LASTRO_MASTER_KEY_FILE": str(key),
        "LASTRO_EVIDENCE_KEY_FILE": str(signing),
        "LASTRO_METRICS_TOKEN": METRICS_TOKEN,
        **NO_LIMITS,
        **more,
    }
    with ExitStack() as stack:
        office = stack.enter_context(Office(urls))
        stack.enter_context(running("worker", settings, log=home / "worker.log"))
        first, second = (stack.enter_context(an_api(settings, home)) for _ in range(2))
        yield Installation(office=office, apis=(first, second), urls=urls, settings=settings, home=home)


@contextmanager
def an_api(settings: Mapping[str, str], home: Path) -> Iterator[httpx.Client]:
    """Run one more API process until it is live, and give a client of it."""
    port, log = free_port(), home / "api.log"
    with (
        running("api", {**settings, "LASTRO_API_PORT": str(port)}, log=log) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client,
    ):
        until(lambda: process.poll() is not None or is_live(client), said=log)
        assert process.poll() is None, log.read_text()
        yield client


def is_live(client: httpx.Client) -> bool:
    try:
        return client.get("/health/live").is_success
    except httpx.TransportError:
        return False


def until(condition: Callable[[], object], *, said: Path | None = None, within_s: float = READY_WITHIN_S) -> None:
    """Wait for a condition."""
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, said.read_text() if said else "it did not come to be in time"
        time.sleep(0.01)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
