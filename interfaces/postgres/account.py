"""Under which operating-system user the embedded server runs, and whether that user can reach its files.

PostgreSQL refuses to run as root. We then use an unprivileged user, never change the mode of a directory we did not
make, and refuse with the command that helps when a directory is in the way.
"""

import os
import pwd
import shlex
import shutil
import stat
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from interfaces.postgres.errors import ServerUnavailable

_PREFERRED = ("postgres", "nobody", "lastro")
_REACHABLE = 'for path; do [ -x "$path" ] || exit 1; done'


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who runs the server: None means the user who is running already."""

    user_id: int | None = None
    group_id: int | None = None

    def run(self, command: list[str], *, keep: Iterable[int] = ()) -> subprocess.CompletedProcess[str]:
        """Run a command as this user with an almost empty environment; descriptors in `keep` stay open in it."""
        return subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C"},
            start_new_session=True,
            pass_fds=tuple(keep),
            user=self.user_id,
            group=self.group_id,
            extra_groups=None if self.user_id is None else [],
        )

    def own(self, directory: Path) -> None:
        """Make an existing directory of ours private to this user."""
        directory.chmod(0o700)
        if self.user_id is not None and self.group_id is not None:
            os.chown(directory, self.user_id, self.group_id)

    def can_reach(self, directory: Path) -> bool:
        """Say whether this user may traverse every directory down to and including this one."""
        return self.run(["/bin/sh", "-c", _REACHABLE, "sh", str(directory)]).returncode == 0

    def require_reach(self, directory: Path) -> None:
        """Refuse, with the command that fixes it, when a directory on the way cannot be traversed."""
        if self.user_id is None or self.can_reach(directory):
            return
        closed = [path for path in (*reversed(directory.parents), directory) if not path.stat().st_mode & stat.S_IXOTH]
        name = pwd.getpwuid(self.user_id).pw_name
        raise ServerUnavailable(
            f"PostgreSQL does not run as root, and user {name!r} cannot traverse {', '.join(map(str, closed))}.\n"
            f"Allow it:  chmod o+x {shlex.join(map(str, closed))}\n"
            f"or choose another data directory with --data or LASTRO_DATA."
        )


def server_account(cluster: Path) -> Account:
    """Choose the user that runs the server: the cluster's owner once it exists, else the first unprivileged user."""
    if os.geteuid() != 0:
        return Account()
    if cluster.exists() and cluster.stat().st_uid != 0:
        owner = cluster.stat()
        return Account(user_id=owner.st_uid, group_id=owner.st_gid)
    entry = next(filter(None, map(_lookup, _PREFERRED)), None) or _create()
    return Account(user_id=entry.pw_uid, group_id=entry.pw_gid)


def _lookup(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _create() -> pwd.struct_passwd:
    useradd = shutil.which("useradd", path=f"{os.defpath}:/usr/sbin:/sbin")
    if useradd is None:
        raise ServerUnavailable("PostgreSQL does not run as root and there is no `useradd` to make a user for it.")
    made = subprocess.run([useradd, "--system", "lastro"], check=False, capture_output=True, text=True)
    entry = _lookup("lastro")
    if entry is None:
        raise ServerUnavailable(f"`useradd --system lastro` failed: {made.stderr.strip()}")
    return entry
