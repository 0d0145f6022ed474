"""`lastro projections`: how read models stand, and making them anew while they are read.

Exit 0: done. 1: a finding – a part that is not well, or generations that differ. 2: it could not be done.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from interfaces.cli.options import Data, Json, show

if TYPE_CHECKING:
    from interfaces.postgres.configuration import Urls
    from projections.comparison import Difference
    from projections.generations import Generation
    from projections.models import Projection
    from projections.rebuild import GenerationsDiffer
    from projections.standings import Standing
    from projections.upkeep import Compared, Upkeep

T = TypeVar("T")

app = typer.Typer(help="Read models: how they stand, and making them anew.", no_args_is_help=True)

FINDING = 1

Names = Annotated[list[str] | None, typer.Argument(help="Names of read models.", show_default=False)]
All = Annotated[bool, typer.Option("--all", help="All read models.")]


@app.command("list")
def list_(data: Data = None, as_json: Json = False) -> None:
    """Say how every generation of every read model stands. Exit 1 where one is not well."""
    from dataclasses import asdict

    from interfaces.installation import migrated_database_of
    from interfaces.settings import Settings

    settings = Settings.load(data=data)
    with migrated_database_of(settings) as urls:
        head, found = asyncio.run(_standings(urls.app))
    text = "\n".join([f"{'':<26}{'role':<10}{'state':<11}{'position':>11}{'lag':>10}{'size':>12}", *map(_line, found)])
    show({"log_position": head, "generations": [asdict(one) for one in found]}, text, as_json=as_json)
    if not all(one.is_well for one in found):
        raise typer.Exit(FINDING)


@app.command("rebuild")
def rebuild(names: Names = None, all_: All = False, data: Data = None, as_json: Json = False) -> None:
    """Make the next generation from the whole log, compare it with the live one, and switch to it if they are equal."""
    from interfaces.cli.progress import progress
    from interfaces.collecting import collect_rarely

    chosen = _chosen(names, all_=all_)
    collect_rarely()
    with progress("rebuilding", "events") as told:
        made = _run(data, lambda upkeep: upkeep.rebuild(chosen, told), as_json=as_json)
    lines = [f"{one.schema} is live, at log position {one.log_position} when it was built" for one in made]
    show({"live": [one.schema for one in made]}, "\n".join(lines), as_json=as_json)


@app.command("compare")
def compare(names: Names = None, all_: All = False, data: Data = None, as_json: Json = False) -> None:
    """Compare candidates, or else what was live before, with what is live. Exit 1 where they differ."""
    chosen = _chosen(names, all_=all_)
    found = _run(data, lambda upkeep: upkeep.compare(chosen), as_json=as_json)
    text = "\n".join(f"{one.other} ({one.role}): {_said(one)}" for one in found)
    show({"compared": [_compared(one) for one in found]}, text, as_json=as_json)
    if any(one.differences for one in found):
        raise typer.Exit(FINDING)


@app.command("switch")
def switch(
    names: Names = None,
    despite_differences: Annotated[
        bool, typer.Option(help="Switch though the live generation says otherwise.")
    ] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Switch to candidates that were built before."""
    chosen = _chosen(names)
    made = _run(data, lambda upkeep: upkeep.switch(chosen, only_equal=not despite_differences), as_json=as_json)
    show({"live": [one.schema for one in made]}, _sentence(made, "is live"), as_json=as_json)


@app.command("rollback")
def rollback(names: Names = None, data: Data = None, as_json: Json = False) -> None:
    """Go back to what was live before, which has followed the log until now."""
    chosen = _chosen(names)
    made = _run(data, lambda upkeep: upkeep.roll_back(chosen), as_json=as_json)
    show({"live": [one.schema for one in made]}, _sentence(made, "is live again"), as_json=as_json)


@app.command("drop")
def drop(names: Names = None, all_: All = False, data: Data = None, as_json: Json = False) -> None:
    """Drop every generation that is not live: candidates, and what was live before."""
    chosen = _chosen(names, all_=all_)
    gone = _run(data, lambda upkeep: upkeep.drop(chosen), as_json=as_json)
    show({"dropped": [one.schema for one in gone]}, _sentence(gone, "is dropped"), as_json=as_json)


def _chosen(names: Sequence[str] | None, *, all_: bool = False) -> "list[Projection]":
    from projections.upkeep import UnknownModel, projections_of

    if bool(names) == all_:
        raise typer.BadParameter("name read models, or say --all" if not names else "names or --all, not both")
    try:
        return projections_of(names or ())
    except UnknownModel as error:
        raise typer.BadParameter(str(error)) from None


def _run(data: Data, act: "Callable[[Upkeep], Awaitable[T]]", *, as_json: bool) -> T:
    """Run one act on an installation; generations that differ are a finding."""
    from interfaces.installation import migrated_database_of
    from interfaces.settings import Settings
    from projections.rebuild import GenerationsDiffer

    async def run(urls: "Urls") -> T:
        async with _upkeep(urls) as upkeep:
            return await act(upkeep)

    with migrated_database_of(Settings.load(data=data)) as urls:
        try:
            return asyncio.run(run(urls))
        except GenerationsDiffer as error:
            _differ(error, as_json=as_json)


def _differ(error: "GenerationsDiffer", *, as_json: bool) -> NoReturn:
    candidate = error.candidate
    lines = [
        f"{candidate.schema} differs from what is live; nothing was switched or dropped.",
        *_rows(error.differences),
    ]
    lines.append(
        f"Find out which is wrong. `lastro projections switch {candidate.name} --despite-differences`, or `drop`."
    )
    result = {"differs": candidate.schema, "differences": [_difference(one) for one in error.differences]}
    show(result, "\n".join(lines), as_json=as_json)
    raise typer.Exit(FINDING)


@asynccontextmanager
async def _upkeep(urls: "Urls") -> "AsyncIterator[Upkeep]":
    from application.store import Connection, Store, speak_hex_ids
    from interfaces.folding import folding_apart
    from interfaces.postgres.connections import connect, pool
    from projections.upkeep import Upkeep

    async def connecting() -> Connection:
        return await connect(urls.projector, name="lastro-rebuild")

    with folding_apart(urls.projector) as apart:
        async with pool(urls.projector, name="lastro-rebuild", size=1, configure=speak_hex_ids) as reads:
            yield Upkeep(connect=connecting, store=Store(reads), apart=apart)


async def _standings(app_url: str) -> "tuple[int, list[Standing]]":
    from application.store import Store
    from interfaces.postgres.connections import pool
    from projections.models import PROJECTIONS
    from projections.standings import list_standings

    async with pool(app_url, name="lastro-cli", size=1) as reads:
        head = await Store(reads).head()
        async with reads.connection() as connection:
            return head, await list_standings(connection, PROJECTIONS, head=head)


def _line(one: "Standing") -> str:
    name = f"{one.model}_g{one.generation}" if one.generation else one.model
    size = f"{one.bytes / 1_048_576:,.1f} MB"
    line = f"{name:<26}{one.role:<10}{one.state:<11}{one.log_position:>11,}{one.lag:>10,}{size:>12}"
    return f"{line}  {one.error}" if one.error else line


def _said(one: "Compared") -> str:
    if not one.differences:
        return "equal to what is live, row by row"
    return "\n".join(["differs from what is live", *_rows(one.differences)])


def _rows(differences: "Sequence[Difference]") -> list[str]:
    return [f"  {one.table}, only in the {one.only_in} generation: {dict(one.row)}" for one in differences]


def _sentence(generations: "Sequence[Generation]", said: str) -> str:
    return "\n".join(f"{one.schema} {said}" for one in generations) or "There is nothing to do."


def _difference(one: "Difference") -> dict[str, Any]:
    return {"table": one.table, "only_in": one.only_in, "row": dict(one.row)}


def _compared(one: "Compared") -> dict[str, Any]:
    return {
        "model": one.model,
        "generation": one.other,
        "role": one.role,
        "differences": [_difference(each) for each in one.differences],
    }
