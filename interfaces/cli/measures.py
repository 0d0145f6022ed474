"""`lastro demo`, `lastro bench`, `lastro audit`: running the main job, measuring it, and proving what it wrote."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from interfaces.cli import evidence, explain, liabilities, past
from interfaces.cli.options import Data, Json

audit = typer.Typer(help="Proving the log and everything made from it.", no_args_is_help=True)
audit.command("checkpoint")(evidence.checkpoint)
audit.command("prove")(evidence.prove)
audit.command("check")(evidence.check)
audit.command("liabilities")(liabilities.liabilities)
audit.command("export")(evidence.export)
audit.command("import")(evidence.take_in)
audit.command("replay")(past.replay)
audit.command("explain")(explain.explain)


@audit.command("verify")
def verify(
    data: Data = None,
    as_json: Json = False,
    checkpoint: Annotated[
        list[Path] | None, typer.Option(help="A checkpoint kept elsewhere; may be given several times.", exists=True)
    ] = None,
    first: Annotated[int, typer.Option("--from", help="Judge from the append on that holds this log position.")] = 1,
    last: Annotated[
        int | None, typer.Option("--to", help="Judge up to the append that holds this log position.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Where progress is kept and taken over from; unset: beside the installation.")
    ] = None,
    fresh: Annotated[bool, typer.Option(help="Take nothing over from a run that did not end.")] = False,
) -> None:
    """Check every invariant, read model, snapshot and seal against the log. Exit 1 for a finding."""
    from interfaces.cli.audit import verify as run

    notes = checkpoint or ()
    raise typer.Exit(run(data, as_json=as_json, checkpoints=notes, first=first, last=last, resume=resume, fresh=fresh))


def demo(
    candles: Annotated[Path | None, typer.Option(help="A candle file; unset: built-in candles.", exists=True)] = None,
    serve: Annotated[bool, typer.Option(help="Keep everything running afterwards.")] = False,
    as_json: Json = False,
) -> None:
    """Run the main job on candles in an installation of its own, and compare every number with its own reckoning."""
    from interfaces.demo.main import run

    raise typer.Exit(run(candles, serve, as_json))


def bench(
    part: Annotated[str, typer.Argument(help="store, rest, replay, payments, liabilities, finance, rebuild")],
    as_json: Json = False,
) -> None:
    """Measure a part of Lastro against its targets, on an installation of its own."""
    command = [sys.executable, "-m", "dev.bench", part, *(["--json"] if as_json else [])]
    raise typer.Exit(subprocess.run(command, check=False, cwd=Path(__file__).resolve().parents[2]).returncode)
