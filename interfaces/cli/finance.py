"""`lastro finance …`: building the finance queries, statements from them, their checks and their documentation."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interfaces.cli.options import Data, Json, show
from interfaces.finance.kinds import Format, Kind

if TYPE_CHECKING:
    from interfaces.finance.project import Dbt, Step
    from interfaces.finance.statements import Asked, Statement

app = typer.Typer(help="The finance queries: general ledger, statements, reconciliations.", no_args_is_help=True)

FINDING = 1
_INSTANTS = [f"%Y-%m-%d{time}" for time in ("T%H:%M:%S.%f%z", "T%H:%M:%S%z", "T%H:%M:%S.%f", "T%H:%M:%S", "")]


@app.command("build")
def build(
    full: Annotated[bool, typer.Option("--full", help="Make every model anew instead of adding what is new.")] = False,
    check: Annotated[bool, typer.Option(help="Check every identity afterwards.")] = True,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Bring all models to where the books are. Exit 1 where a model or a check failed."""
    from interfaces.cli.progress import progress
    from interfaces.finance.building import build as run

    with _dbt(data) as dbt, progress("building") as told:
        done = run(dbt, full=full, check=check, told=told)
    models, checks = len(done.models), len(done.checks)
    said = f"log position {done.log_position}: {models} models and {checks} checks in {done.seconds:.1f} s"
    result = {
        "log_position": done.log_position,
        "full": done.is_full,
        "models": models,
        "checks": checks,
        "seconds": round(done.seconds, 1),
        "findings": [_finding(step) for step in done.findings],
    }
    _conclude(result, said, done.findings, as_json=as_json)


@app.command("check")
def check(data: Data = None, as_json: Json = False) -> None:
    """Check every identity of what is built, and every calculation by its worked cases. Exit 1 for a finding."""
    from interfaces.cli.progress import progress
    from interfaces.finance.building import check as run

    with _dbt(data) as dbt, progress("checking") as told:
        steps = run(dbt, told)
    bad = tuple(step for step in steps if step.is_bad)
    result = {"checks": len(steps), "findings": [_finding(step) for step in bad]}
    _conclude(result, f"{len(steps)} checks, {len(bad)} findings", bad, as_json=as_json)


@app.command("docs")
def docs(data: Data = None, as_json: Json = False) -> None:
    """Write the documentation of all models: one page that needs nothing else."""
    from interfaces.finance.building import document

    with _dbt(data) as dbt:
        page = document(dbt)
    show({"page": str(page)}, str(page), as_json=as_json)


Month = Annotated[str | None, typer.Option(help="A month such as 2026-03; else that of the last entry.")]
Instant = Annotated[datetime | None, typer.Option(help="With offset; no offset is UTC.", formats=_INSTANTS)]
Form = Annotated[Format, typer.Option("--format", help="table, csv, xlsx or json")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="A file in place of the standard output.")]


@app.command("statement")
def statement(
    kind: Annotated[Kind, typer.Argument(help="balance-sheet, income, trial-balance, cash-flow or ledger")],
    month: Month = None,
    as_of: Instant = None,
    known_at: Instant = None,
    reported: Annotated[bool, typer.Option(help="In the reporting currency; else per asset.")] = False,
    account: Annotated[str | None, typer.Option(help="The account of a ledger.")] = None,
    tenant: Annotated[str, typer.Option(help="Whose books.")] = "main",
    form: Form = Format.TABLE,
    output: Output = None,
    data: Data = None,
) -> None:
    """Print a statement of what was built last, as of a moment, as known at another."""
    from interfaces.finance.formats import as_file
    from interfaces.finance.statements import Asked, month_of

    if (kind is Kind.LEDGER) != (account is not None):
        raise typer.BadParameter("a ledger is of an --account, and nothing else is")
    since, end = (None, None) if month is None else month_of(month)
    asked = Asked(
        kind=kind, since=since, as_of=_utc(as_of) or end, known_at=_utc(known_at), reported=reported, account=account
    )
    written = as_file(asyncio.run(_state(data, tenant, asked)), form)
    if output is None:
        sys.stdout.buffer.write(written)
    else:
        output.write_bytes(written)


@app.command("demo")
def demo(
    users: Annotated[int, typer.Option(help="How many users.", min=2)] = 500,
    days: Annotated[int, typer.Option(help="How many days.", min=1, max=365)] = 365,
    per_day: Annotated[int, typer.Option(help="How busy a day is.", min=1)] = 6,
    as_json: Json = False,
) -> None:
    """Play a year in an installation of its own, and compare its figures with two other reckonings."""
    from interfaces.demo.year.main import run
    from interfaces.demo.year.play import Plan

    plan = Plan(users=users, days=days, per_day=per_day, traders=min(40, users))
    raise typer.Exit(run(plan, as_json=as_json))


async def _state(data: Data, tenant: str, asked: "Asked") -> "Statement":
    from interfaces.finance.statements import state
    from interfaces.installation import migrated_database_of
    from interfaces.postgres.connections import pool, reading
    from interfaces.settings import Settings

    with migrated_database_of(Settings.load(data=data)) as urls:
        async with pool(urls.app, name="lastro-cli", size=1) as source, reading(source, tenant) as connection:
            return await state(connection, asked)


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


@contextmanager
def _dbt(data: Data) -> "Iterator[Dbt]":
    from interfaces.finance.project import Dbt
    from interfaces.installation import migrated_database_of
    from interfaces.settings import Settings

    settings = Settings.load(data=data)
    with migrated_database_of(settings) as urls:
        yield Dbt(urls.finance, settings.data.resolve() / "finance")


def _finding(step: "Step") -> dict[str, str]:
    return {"name": step.name, "status": step.status, "message": step.message}


def _conclude(result: dict[str, object], said: str, bad: "tuple[Step, ...]", *, as_json: bool) -> None:
    lines = [said, *(f"{step.status}: {step.name}: {step.message.strip()}" for step in bad)]
    show(result, "\n".join(lines), as_json=as_json)
    if bad:
        raise typer.Exit(FINDING)
