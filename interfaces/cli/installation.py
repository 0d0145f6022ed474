"""`lastro migrate`, `status`, `doctor`, `config`, `psql`: looking after an installation."""

import asyncio
import os
import subprocess
from typing import TYPE_CHECKING, Any

import typer

from interfaces.cli.options import Data, Json, show

if TYPE_CHECKING:
    from interfaces.settings import Settings

FINDING = 1


def migrate(data: Data = None, as_json: Json = False) -> None:
    """Bring the database to this program's schema, and make tenant `main` and the common assets."""
    from interfaces.installation import database_of
    from interfaces.installation import migrate as apply
    from interfaces.settings import Settings

    settings = Settings.load(data=data)
    with database_of(settings) as urls:
        applied = asyncio.run(apply(settings, urls))
    text = "\n".join(f"applied {name}" for name in applied) or "The schema is up to date."
    show({"applied": list(applied)}, text, as_json=as_json)


def status(data: Data = None, as_json: Json = False) -> None:
    """Say how far the log is and how every part of the workers stands. Exit 1 where one stopped or is silent."""
    from interfaces.installation import migrated_database_of
    from interfaces.settings import Settings

    settings = Settings.load(data=data)
    with migrated_database_of(settings) as urls:
        head, parts = asyncio.run(_status(urls.app))
    well = all(part["state"] == "running" for part in parts)
    lines = [f"log position {head}"]
    lines += [
        f"{part['kind']:<11}{part['name']:<18}{part['state']:<9}{part['log_position']}{_why(part)}" for part in parts
    ]
    show({"log_position": head, "parts": parts}, "\n".join(lines), as_json=as_json)
    if not well:
        raise typer.Exit(FINDING)


def _why(part: dict[str, Any]) -> str:
    return "" if part["error"] is None else f"  {part['error']}"


async def _status(app_url: str) -> tuple[int, list[dict[str, Any]]]:
    from application.store import Store
    from interfaces.postgres.connections import pool
    from projections.reports import list_reports

    async with pool(app_url, name="lastro-cli", size=1) as reads:
        async with reads.connection() as connection:
            reports = await list_reports(connection)
        head = await Store(reads).head()
    parts = [
        {
            "kind": one.kind,
            "name": one.name,
            "state": "silent" if one.silent else one.state,
            "log_position": one.log_position,
            "error": one.error,
        }
        for one in reports
    ]
    return head, parts


def doctor(data: Data = None, as_json: Json = False) -> None:
    """Look at what an installation stands on, and say what to do about what is not right. Exit 1 for a finding."""
    from interfaces.installation import database_of
    from interfaces.postgres import migrations
    from interfaces.postgres.vault_crypto import VaultUnusable, load_master_key
    from interfaces.settings import Settings, unknown_names

    settings = Settings.load(data=data)
    findings = [f"{name} is no setting: nothing reads it" for name in unknown_names(os.environ)]
    with database_of(settings) as urls:
        try:
            migrations.check(urls.owner)
        except migrations.SchemaTooOld as error:
            findings.append(str(error))
    try:
        load_master_key(settings.master_key, create=False)
    except VaultUnusable as error:
        findings.append(str(error))
    text = "\n".join(findings) or "Everything is as it should be."
    show({"findings": findings}, text, as_json=as_json)
    if findings:
        raise typer.Exit(FINDING)


def config(data: Data = None, as_json: Json = False) -> None:
    """List all settings and their values; secrets are masked."""
    from interfaces.settings import Settings

    shown = Settings.load(data=data).shown()
    show(dict(shown), "\n".join(f"{name}={value}" for name, value in shown.items()), as_json=as_json)


def psql(context: typer.Context, data: Data = None) -> None:
    """Open a session of the application's role; what follows is passed on to psql."""
    from interfaces.installation import database_of
    from interfaces.settings import Settings

    settings = Settings.load(data=data)
    with database_of(settings) as urls:
        done = subprocess.run([_psql(settings), urls.app, *context.args], check=False)
    raise typer.Exit(done.returncode)


def _psql(settings: "Settings") -> str:
    """Return psql: the embedded server's own, else the one on the path."""
    from interfaces.postgres.account import server_account
    from interfaces.postgres.binaries import binaries
    from interfaces.postgres.configuration import Layout

    if not settings.is_embedded:
        return "psql"
    layout = Layout(data=settings.data.resolve())
    return str(binaries(server_account(layout.cluster), layout.data) / "psql")
