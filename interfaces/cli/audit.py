"""`lastro audit verify`: runs the audit on an installation and prints the report.

Exit 0: everything holds. 1: something was found. 2: it could not run, which says nothing about the books.
"""

import json
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from interfaces.audit.evidence import NO_SEALS, Seals
from interfaces.audit.notary import load_notary
from interfaces.audit.report import as_object, show
from interfaces.audit.verify import verify as verify_log
from interfaces.installation import database_of
from interfaces.postgres import migrations
from interfaces.settings import Settings

SOUND, FINDING, COULD_NOT_RUN = range(3)
WIDTH = 150
"""Columns of a report that does not go to a terminal."""


def verify(data: Path | None, *, as_json: bool, checkpoints: Sequence[Path] = ()) -> int:
    """Verify the log of an installation and everything made from it; return the exit status.

    `checkpoints` are signed notes that were kept elsewhere.
    """
    settings = Settings.load(data=data)
    key = load_notary(settings.evidence_key, create=False).key if settings.evidence_key.exists() else None
    seals = Seals(key=key, kept_outside=tuple(path.read_text() for path in checkpoints))
    with database_of(settings) as urls:
        migrations.check(urls.projector)
        return verify_database(urls.projector, as_json=as_json, seals=seals)


def verify_database(url: str, *, as_json: bool, seals: Seals = NO_SEALS) -> int:
    """Verify what the projector's role sees at `url`, print the report, and return the exit status."""
    try:
        with _progress() as told:
            verified = verify_log(url, told=told, seals=seals)
    except Exception:  # noqa: BLE001 - whatever broke the audit, it is no finding: exit 2, and 1 would say so
        traceback.print_exc()
        return COULD_NOT_RUN
    if as_json:
        print(json.dumps(as_object(verified)))  # noqa: T201 - the result
    else:
        console = Console()
        show(verified, console if console.is_terminal else Console(width=WIDTH))
    return SOUND if verified.is_sound else FINDING


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Show progress on stderr: a bar on a terminal, else a line whenever another tenth is done."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Tenths(console)
        return
    with Progress(console=console, transient=True, auto_refresh=False) as bar:  # without a thread: see crew.helper
        task = bar.add_task("verifying")
        yield lambda done, total: bar.update(task, completed=done, total=total, refresh=True)


class _Tenths:
    """Prints a line for every tenth of the work."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown = 0

    def __call__(self, done: int, total: int) -> None:
        tenths = 10 * done // total
        if tenths > self._shown:
            self._shown = tenths
            self._console.print(f"verifying: {10 * tenths} %", highlight=False)
