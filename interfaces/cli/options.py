"""Options that many commands have, and how results are printed."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

Data = Annotated[Path | None, typer.Option("--data", help="Directory of the installation.", envvar="LASTRO_DATA")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")]


def show(result: dict[str, Any], text: str, *, as_json: bool) -> None:
    """Print a result: one JSON object for machines, a sentence for people."""
    typer.echo(json.dumps(result) if as_json else text)
