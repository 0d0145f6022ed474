"""`lastro audit replay`: what was at a log position or time, folded from the log anew."""

import json
from collections.abc import Callable, Iterable
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interfaces.cli.options import Data, Json

if TYPE_CHECKING:
    from interfaces.audit.past import Line, Past


def replay(
    until: Annotated[str, typer.Option(help="A log position, or a time with its offset.")],
    tenant: Annotated[str | None, typer.Option(help="One tenant only.")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Print balances, orders and positions as they were: the log is folded anew up to there, no read model is asked."""
    from interfaces.audit.past import end_of
    from interfaces.audit.past import replay as fold
    from interfaces.audit.snapshot import open_snapshot
    from interfaces.cli.progress import progress
    from interfaces.installation import migrated_database_of
    from interfaces.settings import Settings

    settings = Settings.load(data=data)
    with migrated_database_of(settings) as urls, closing(open_snapshot(urls.projector)) as snapshot:
        end = end_of(snapshot, until)
        with progress("replaying") as told:
            past = fold(snapshot, end, tenant=tenant, told=told)
    if as_json:
        typer.echo(json.dumps(_object(past)))
    else:
        _print(past)


def _object(past: "Past") -> dict[str, Any]:
    return {
        "log_position": past.log_position,
        "recorded_at": past.recorded_at.isoformat() if past.recorded_at else None,
        "balances": past.balances,
        "orders": past.orders,
        "positions": past.positions,
    }


def _print(past: "Past") -> None:
    from rich.console import Console

    from interfaces.cli.progress import WIDTH

    plain = partial(Console, emoji=False, markup=False)  # an account is no place for pictures: assets:bank:…
    console = plain() if plain().is_terminal else plain(width=WIDTH)
    when = f", recorded {past.recorded_at:%Y-%m-%d %H:%M:%S.%f} UTC" if past.recorded_at else ""
    console.print(f"As of log position {past.log_position}{when}.", highlight=False)
    console.print(_table("balances", past.balances, _balance))
    console.print(_table("orders", past.orders, _order))
    console.print(_table("positions", past.positions, _position))


def _table(title: str, lines: "Iterable[Line]", cells: "Callable[[Line], dict[str, str]]") -> Any:  # noqa: ANN401 - rich is heavy
    from rich.table import Table

    shown = [cells(line) for line in lines]
    table = Table(title=f"{title}: {len(shown)}", title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in shown[0] if shown else ():
        table.add_column(column, justify="right" if column in {"amount", "quantity", "cost", "filled"} else "left")
    for line in shown:
        table.add_row(*line.values())
    return table


def _balance(line: "Line") -> dict[str, str]:
    return {"tenant": line["tenant"], "account": line["account"], "amount": f"{line['amount']} {line['asset']}"}


def _order(line: "Line") -> dict[str, str]:
    named = {name: line[name] for name in ("tenant", "id", "instrument", "side", "status")}
    return {**named, "filled": _money(line["filled"]), "cost": _money(line["cost"])}


def _position(line: "Line") -> dict[str, str]:
    named = {name: line[name] for name in ("tenant", "connection", "instrument")}
    figures = {name: _money(line[name]) for name in ("quantity", "cost", "realised")}
    return {**named, "strategy": line["strategy"] or "", **figures}


def _money(amount: dict[str, str]) -> str:
    return f"{amount['value']} {amount['asset']}"
