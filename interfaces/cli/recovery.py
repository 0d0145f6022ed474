"""`lastro backup`, `lastro restore`, `lastro epoch`: losing a machine without losing what was acknowledged.

Backups of the embedded server only; a managed server has its own, and `epoch begin` tells Lastro that it was restored.
"""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from interfaces.cli.options import Data, Json, show

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from application.epochs import Epoch
    from application.store import Connection
    from interfaces.settings import Settings

T = TypeVar("T")

epochs = typer.Typer(help="Logs that were restored, and going on with them.", no_args_is_help=True)

FINDING = 1

Place = Annotated[Path, typer.Argument(help="The directory of the backups, outside the installation.")]


def backup(place: Place, data: Data = None, as_json: Json = False) -> None:
    """Copy the embedded server while it runs, and archive its log there from now on. Keys are not copied."""
    from interfaces.installation import migrated_database_of
    from interfaces.postgres.backup import back_up
    from interfaces.postgres.configuration import Layout
    from interfaces.settings import Settings

    settings = Settings.load(data=data)
    _require_embedded(settings)
    with migrated_database_of(settings):
        made = back_up(Layout(data=settings.data.expanduser().resolve()), place)
    result = {"backup": str(made.directory), "log_position": made.log_position, "made_at": made.made_at}
    text = (
        f"{made.directory} reaches log position {made.log_position}. "
        f"What comes after it is archived in {place / 'wal'}, at the latest after a minute.\n"
        f"Not in it: {settings.master_key} and {settings.evidence_key}. Keep them elsewhere."
    )
    show(result, text, as_json=as_json)


def restore(
    place: Place,
    to: Annotated[
        str | None, typer.Option(help="A log position, or a time with its offset (RFC 3339); unset: everything.")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Restore a backup into a data directory without a server, and begin a new epoch of the log there."""
    from interfaces.installation import actor
    from interfaces.postgres.restore import restore as run
    from interfaces.settings import Settings

    settings = Settings.load(data=data)
    _require_embedded(settings)
    done = run(place, settings.data, to=_moment(to), by=actor())
    missing = [str(key) for key in (settings.master_key, settings.evidence_key) if not key.exists()]
    result = {
        "log_position": done.log_position,
        "archived": done.archived,
        "backup": str(done.backup),
        "epoch": done.epoch,
        "missing_keys": missing,
    }
    lines = [
        f"Restored to log position {done.log_position}; the archive went on to {done.archived}.",
        *(f"Put back {key} before anything is started." for key in missing),
        f"Epoch {done.epoch} waits: nothing follows the log before `lastro epoch confirm`. Then make a new backup.",
    ]
    show(result, "\n".join(lines), as_json=as_json)


@epochs.command("list")
def list_(data: Data = None, as_json: Json = False) -> None:
    """List the epochs of the log. Exit 1 while one waits to be confirmed."""
    from application.epochs import list_epochs

    found = _on_owner(data, list_epochs)
    text = "\n".join(map(_line, found)) or "The log was never restored."
    show({"epochs": [_shown(one) for one in found]}, text, as_json=as_json)
    if any(one.confirmed_at is None for one in found):
        raise typer.Exit(FINDING)


@epochs.command("begin")
def begin(
    reason: Annotated[str, typer.Option(help="What was restored, and why; no personal data.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Say that this database was restored, by a managed server's own means. Workers stop until it is confirmed."""
    from application.epochs import begin_epoch, list_epochs
    from interfaces.installation import actor

    async def run(connection: "Connection") -> "Epoch":
        row = await (await connection.execute("SELECT coalesce(max(notification_id), 0) FROM log.events")).fetchone()
        assert row is not None
        await begin_epoch(connection, row[0], reason=reason, by=actor())
        return (await list_epochs(connection))[-1]

    epoch = _on_owner(data, run)
    show(_shown(epoch), _line(epoch), as_json=as_json)


@epochs.command("confirm")
def confirm(data: Data = None, as_json: Json = False) -> None:
    """Go on with a restored log: workers follow it again. Exit 1 where none waits."""
    from application.epochs import confirm_epoch
    from interfaces.installation import actor

    epoch = _on_owner(data, lambda connection: confirm_epoch(connection, by=actor()))
    if epoch is None:
        typer.echo("No epoch waits to be confirmed.", err=True)
        raise typer.Exit(FINDING)
    show(_shown(epoch), _line(epoch), as_json=as_json)


def _on_owner(data: Path | None, run: "Callable[[Connection], Awaitable[T]]") -> T:
    from interfaces.installation import migrated_database_of
    from interfaces.postgres.connections import connect
    from interfaces.settings import Settings

    async def connected(url: str) -> T:
        async with await connect(url, name="lastro-cli") as connection:
            return await run(connection)

    with migrated_database_of(Settings.load(data=data)) as urls:
        return asyncio.run(connected(urls.owner))


def _require_embedded(settings: "Settings") -> None:
    if not settings.is_embedded:
        raise typer.BadParameter("a managed server has backups of its own: see docs/recovery.md", param_hint="database")


def _moment(text: str | None) -> int | datetime | None:
    if text is None or text.isdecimal():
        return None if text is None else int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("neither a log position nor a time", param_hint="--to") from None
    if moment.tzinfo is None:
        raise typer.BadParameter("a time needs its offset, as in 2026-11-28T03:00:00Z", param_hint="--to")
    return moment


def _shown(epoch: "Epoch") -> dict[str, object]:
    return {
        "number": epoch.number,
        "log_position": epoch.log_position,
        "reason": epoch.reason,
        "begun_at": epoch.begun_at.isoformat(),
        "begun_by": epoch.begun_by,
        "confirmed_at": None if epoch.confirmed_at is None else epoch.confirmed_at.isoformat(),
        "confirmed_by": epoch.confirmed_by,
    }


def _line(epoch: "Epoch") -> str:
    said = "waits to be confirmed" if epoch.confirmed_at is None else f"confirmed by {epoch.confirmed_by}"
    return f"epoch {epoch.number} at log position {epoch.log_position}: {epoch.reason} ({epoch.begun_by}); {said}"
