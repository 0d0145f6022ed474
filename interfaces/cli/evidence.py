"""`lastro audit checkpoint | prove | check`: signing what is in the log, and proofs that outsiders can check."""

import asyncio
import json
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from interfaces.cli.options import Data

FINDING = 1

Out = Annotated[Path | None, typer.Option("--out", help="Write to a file instead of standard output.")]


def checkpoint(data: Data = None, out: Out = None) -> None:
    """Sign everything that is in the log now, and print the checkpoint. Keep a copy where nobody of us can reach it."""
    from application.evidence.follower import Evidence
    from interfaces.audit.notary import load_notary
    from interfaces.audit.proofs import last_note
    from interfaces.audit.snapshot import open_snapshot
    from interfaces.bootstrap import SystemClock
    from interfaces.installation import migrated_database_of
    from interfaces.postgres.connections import pool
    from interfaces.settings import Settings

    settings = Settings.load(data=data)
    notary = load_notary(settings.evidence_key, create=settings.is_embedded)

    async def seal(url: str) -> None:
        async with pool(url, name="lastro-evidence", size=1) as connections:
            await Evidence(pool=connections, notary=notary, clock=SystemClock()).seal()

    with migrated_database_of(settings) as urls:
        asyncio.run(seal(urls.app))
        with closing(open_snapshot(urls.projector)) as snapshot:
            _print(last_note(snapshot), out)
    typer.echo(f"key: {notary.key}", err=True)


def prove(
    event: Annotated[str | None, typer.Argument(help="An event: its log position or its id.")] = None,
    between: Annotated[
        tuple[int, int] | None, typer.Option(help="Two checkpoints, by their numbers, the earlier first.")
    ] = None,
    data: Data = None,
    out: Out = None,
) -> None:
    """Prove that an event is under the last checkpoint, or that one checkpoint only adds to another."""
    from interfaces.audit.notary import load_notary
    from interfaces.audit.proofs import prove_event, prove_growth
    from interfaces.audit.snapshot import open_snapshot
    from interfaces.installation import migrated_database_of
    from interfaces.settings import Settings

    if (event is None) == (between is None):
        raise typer.BadParameter("name an event, or two checkpoints with --between")
    settings = Settings.load(data=data)
    key = load_notary(settings.evidence_key, create=False).key
    with migrated_database_of(settings) as urls, closing(open_snapshot(urls.projector)) as snapshot:
        made = prove_growth(snapshot, *between, key=key) if between else prove_event(snapshot, event or "", key)
    _print(json.dumps(made, indent=1, ensure_ascii=False) + "\n", out)


def check(
    proof: Annotated[Path, typer.Argument(help="A file that `lastro audit prove` wrote.", exists=True)],
    key: Annotated[str | None, typer.Option(help="Your own copy of the key: NAME+ID+BASE64.")] = None,
) -> None:
    """Check a proof. It needs no database; with your own copy of the key it trusts nobody. Exit 1: it does not hold."""
    from interfaces.audit.notes import VerifierKey
    from interfaces.audit.proofs import ProofFails, check_proof

    try:
        said = check_proof(proof.read_text(), VerifierKey.parse(key) if key else None)
    except ProofFails as error:
        typer.echo(f"The proof does not hold: {error}")
        raise typer.Exit(FINDING) from None
    typer.echo(f"The proof holds: {said}.")
    if key is None:
        typer.echo("It was checked with the key in the proof itself: compare that with your own copy, or give --key.")


def _print(text: str, out: Path | None) -> None:
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text)
