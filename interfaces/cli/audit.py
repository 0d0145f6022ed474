"""`lastro audit verify`: runs the audit on an installation and prints the report.

Exit 0: everything holds. 1: something was found. 2: it could not run, which says nothing about the books.
"""

import json
import traceback
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from interfaces.audit.evidence import NO_SEALS, Seals
from interfaces.audit.report import as_object, show
from interfaces.audit.resuming import CannotResume
from interfaces.audit.scope import NoSuchRange
from interfaces.audit.seals import seals_of
from interfaces.audit.verify import verify as verify_log
from interfaces.cli.progress import WIDTH, progress
from interfaces.installation import database_of
from interfaces.postgres import migrations
from interfaces.settings import Settings

SOUND, FINDING, COULD_NOT_RUN = range(3)


def verify(
    data: Path | None,
    *,
    as_json: bool,
    checkpoints: Sequence[Path] = (),
    first: int = 1,
    last: int | None = None,
    resume: Path | None = None,
    fresh: bool = False,
) -> int:
    """Verify the log of an installation and everything made from it; return the exit status.

    `checkpoints` are signed notes that were kept elsewhere. Progress is kept in the file `resume`, by default beside
    the installation, and taken over from it unless this is to be a `fresh` beginning.
    """
    settings = Settings.load(data=data)
    kept_outside = tuple(path.read_text() for path in checkpoints)
    seals = seals_of(settings.evidence_key, settings.master_key, kept_outside)
    with database_of(settings) as urls:
        migrations.check(urls.projector)
        file = resume or settings.data / f"verification-{first}-{last or 'end'}.progress"
        if fresh:
            file.unlink(missing_ok=True)
        return verify_database(urls.projector, as_json=as_json, seals=seals, first=first, last=last, file=file)


def verify_database(
    url: str,
    *,
    as_json: bool,
    seals: Seals = NO_SEALS,
    first: int = 1,
    last: int | None = None,
    file: Path | None = None,
) -> int:
    """Verify what the projector's role sees at `url`, print the report, and return the exit status."""
    try:
        with progress("verifying") as told:
            verified = verify_log(url, told=told, seals=seals, first=first, last=last, progress=file)
    except (NoSuchRange, CannotResume):
        raise
    except Exception:  # noqa: BLE001 - whatever broke the audit, it is no finding: exit 2, and 1 would say so
        traceback.print_exc()
        return COULD_NOT_RUN
    if as_json:
        print(json.dumps(as_object(verified)))  # noqa: T201 - the result
    else:
        console = Console()
        show(verified, console if console.is_terminal else Console(width=WIDTH))
    return SOUND if verified.is_sound else FINDING
