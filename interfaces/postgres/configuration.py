"""The files and settings of an embedded cluster: where its parts lie, and what postgresql.conf says.

Durability is never traded for speed here; a test run may override single settings for clusters it throws away.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

# Whoever opens the socket may come in: its directory is private to the user who can read the data files anyway.
PG_HBA = "local all all trust\nlocal replication lastro_owner trust\n"

DATABASE = "lastro"
OWNER, APP, PROJECTOR, FINANCE = "lastro_owner", "lastro_app", "lastro_projector", "lastro_finance"

_SOCKET_NAME = ".s.PGSQL.5432"
_SOCKET_PATH_BYTES_MAX = 100
_SHORT_ROOT = Path("/tmp")  # noqa: S108 - what we make there is private and checked, and every process must find it

_SETTINGS = {
    "archive_command": "true",
    "archive_mode": "on",
    "archive_timeout": "60s",
    "autovacuum_naptime": "15s",
    "checkpoint_timeout": "15min",
    "cluster_name": "lastro",
    "effective_cache_size": "1GB",
    "fsync": "on",
    "jit": "off",
    "listen_addresses": "",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_timezone": "UTC",
    "maintenance_work_mem": "128MB",
    "max_connections": "200",
    "max_parallel_workers_per_gather": "0",
    "max_wal_size": "4GB",
    "min_wal_size": "256MB",
    "random_page_cost": "1.1",
    "shared_buffers": "256MB",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "unix_socket_permissions": "0700",
    "wal_buffers": "16MB",
    "work_mem": "16MB",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Urls:
    """The ways into one database; the weakest that does the work is the one to use. `finance` may not be set up."""

    owner: str
    app: str
    projector: str
    finance: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where the parts of one installation's embedded server lie. Paths are absolute."""

    data: Path

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.data / "pg"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.data / "pg.log"

    @property
    def starting(self) -> Path:
        """Lock file held while a process starts or stops the server."""
        return self.data / "pg.starting.lock"

    @property
    def alive(self) -> Path:
        """Lock file inherited by every process of the server, so it is free exactly when all of them are gone."""
        return self.data / "pg.alive.lock"

    @property
    def in_use(self) -> Path:
        """Lock file shared by the processes of ours that use the server."""
        return self.data / "pg.in-use.lock"

    @property
    def sockets(self) -> Path:
        """The directory of the socket: in the data directory, unless the kernel or libpq (a comma) cannot take that."""
        near = self.data / "socket"
        if len(os.fsencode(near / _SOCKET_NAME)) <= _SOCKET_PATH_BYTES_MAX and "," not in str(near):
            return near
        digest = hashlib.sha256(os.fsencode(self.data)).hexdigest()
        return _SHORT_ROOT / f"lastro-{os.geteuid()}-{digest[:16]}"

    def urls(self, database: str = DATABASE) -> Urls:
        """Return the URLs of one database of this server."""
        return Urls(
            owner=self.url(OWNER, database),
            app=self.url(APP, database),
            projector=self.url(PROJECTOR, database),
            finance=self.url(FINANCE, database),
        )

    def url(self, user: str, database: str) -> str:
        """Return a libpq URL through the socket."""
        return f"postgresql://{user}@/{database}?host={quote(str(self.sockets), safe='')}&port=5432"


def postgresql_conf(sockets: Path, overrides: Mapping[str, str]) -> str:
    """Write the whole postgresql.conf; what an operator sets by `alter system` wins over it and stays."""
    directory = str(sockets).replace('"', '""')
    settings = {**_SETTINGS, "unix_socket_directories": f'"{directory}"', **overrides}
    lines = [f"{name} = '{_escape(value)}'" for name, value in sorted(settings.items())]
    return "\n".join(["# Written anew at every start; your own settings belong to `alter system`.", *lines, ""])


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")
