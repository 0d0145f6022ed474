"""`lastro audit explain`: from a number back to what made it, as a tree for people or as JSON."""

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interfaces.cli.options import Data, Json

if TYPE_CHECKING:
    from rich.tree import Tree

    from projections.explain.explanation import Explanation, Figure, Step
    from projections.explain.origins import Origin
    from projections.explain.subjects import Subject

UNBROKEN = 1_000
"""Columns where no terminal breaks lines: ids and paths stay whole."""

Time = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z"])]


def explain(
    of: Annotated[
        list[str],
        typer.Argument(
            help="An account and an asset; or a kind of thing and its id: order, withdrawal, deposit, entry, …; "
            "or: position CONNECTION INSTRUMENT [STRATEGY], fill LOG_POSITION, total REALM ASSET."
        ),
    ],
    tenant: Annotated[str, typer.Option(help="Whose numbers.")] = "main",
    as_of: Time = None,
    known_at: Time = None,
    limit: Annotated[int, typer.Option(help="Events at most.", min=1, max=500)] = 100,
    cursor: Annotated[str | None, typer.Option(help="`next_cursor` of the page before.")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Explain a number: its events, oldest first, each with its receipt (command, actor, time) and what caused it."""
    from interfaces.api.pages import plain
    from projections.times import Moment

    subject = _subject(of, Moment(as_of=as_of, known_at=known_at))
    found = asyncio.run(_ask(data, tenant, subject, limit=limit, cursor=cursor))
    if as_json:
        from pydantic_core import to_json

        typer.echo(to_json(plain(found)).decode())
    else:
        _print(found)


def _subject(of: list[str], moment: Any) -> "Subject":  # noqa: ANN401 - projections are heavy
    from projections.explain.subjects import BALANCE, KINDS, needed_by, subject_of

    kind, given = (of[0], of[1:]) if of[0] in KINDS else (BALANCE, of)
    names = (*needed_by(kind), *(["strategy"] if kind == "position" else []))
    if len(given) > len(names):
        raise typer.BadParameter(f"to explain a {kind}, say which: {', '.join(needed_by(kind))}")
    return subject_of(kind, dict(zip(names, given, strict=False)), moment)


async def _ask(data: Any, tenant: str, subject: "Subject", *, limit: int, cursor: str | None) -> "Explanation":  # noqa: ANN401 - a path or none
    from interfaces.installation import migrated_database_of
    from interfaces.postgres.connections import pool, reading
    from interfaces.settings import Settings
    from projections.explain.subjects import explain as explanation_of

    with migrated_database_of(Settings.load(data=data)) as urls:
        async with pool(urls.app, name="lastro-explain", size=1) as queries, reading(queries, tenant) as connection:
            return await explanation_of(connection, tenant, subject, limit=limit, cursor=cursor)


def _print(found: "Explanation") -> None:
    from rich.console import Console
    from rich.text import Text
    from rich.tree import Tree

    subject = dict(found.subject)
    root = Tree(Text(f"{subject.pop('kind')} {' '.join(subject.values())}", style="bold"))
    for figure in found.figures:
        root.add(Text(f"{figure.figure} = {figure.amount}", style="bold"))
    _add_figures(root, "made of", found.accounts)
    _add_figures(root, "brought forward", found.brought_forward)
    for step in found.steps:
        _add_step(root, step)
    if found.next_cursor:
        root.add(Text(f"… more: --cursor {found.next_cursor}"))
    width = None if Console().is_terminal else UNBROKEN
    Console(emoji=False, markup=False, width=width).print(root)


def _add_figures(root: "Tree", title: str, figures: "tuple[Figure, ...]") -> None:
    from rich.text import Text

    branch = root.add(Text(title)) if figures else root
    for figure in figures:
        branch.add(Text(f"{figure.figure} = {figure.amount}"))


def _add_step(root: "Tree", step: "Step") -> None:
    from rich.text import Text

    branch = root.add(Text(_event(step.origin)))
    for change in step.changes:
        did = f"{'+ ' if change.how == 'added' else ''}{change.amount}"
        branch.add(Text(f"{change.figure} {change.how}: {did} → {change.after}", style="green"))
    if step.entry is not None:
        note = f" “{step.entry.note}”" if step.entry.note else ""
        when = f"{step.entry.effective_at:%Y-%m-%d %H:%M:%S}"
        branch.add(Text(f"entry {step.entry.id}, {step.entry.kind} {step.entry.reference}, effective {when}{note}"))
    _add_origin(branch, step.origin)


def _add_origin(branch: "Tree", origin: "Origin") -> None:
    from rich.text import Text

    done = origin.receipt
    branch.add(Text(f"receipt {done.number}: {done.command} by {done.actor}, {done.recorded_at:%Y-%m-%d %H:%M:%S.%f}"))
    if origin.caused_by is not None:
        _add_origin(branch.add(Text(f"caused by {_event(origin.caused_by)}")), origin.caused_by)


def _event(origin: "Origin") -> str:
    return f"event {origin.log_position}: {origin.type} of {origin.stream}"
