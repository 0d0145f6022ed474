"""`lastro audit checkpoint | prove | check`: signing what is in the log, and proofs that outsiders can check."""

import asyncio
import json
from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from interfaces.cli.options import Data

FINDING = 1


class Form(StrEnum):
    """What an export is written as."""

    NDJSON = "ndjson"
    BEANCOUNT = "beancount"


Out = Annotated[Path | None, typer.Option("--out", help="Write to a file instead of standard output.")]


def checkpoint(data: Data = None, out: Out = None) -> None:
    """Sign everything that is in the log now, and print the checkpoint. Keep a copy where nobody of us can reach it."""
    from application.evidence.follower import Evidence, Liabilities
    from interfaces.audit.notary import load_notary
    from interfaces.audit.proofs import last_note
    from interfaces.audit.snapshot import open_snapshot
    from interfaces.clock import SystemClock
    from interfaces.installation import migrated_database_of
    from interfaces.postgres.connections import pool
    from interfaces.postgres.vault_crypto import load_master_key
    from interfaces.settings import Settings

    settings = Settings.load(data=data)
    notary = load_notary(settings.evidence_key, create=settings.is_embedded)
    liabilities = Liabilities(nonces=load_master_key(settings.master_key, create=settings.is_embedded))

    async def seal(url: str) -> None:
        async with pool(url, name="lastro-evidence", size=1) as connections:
            await Evidence(pool=connections, notary=notary, clock=SystemClock(), liabilities=liabilities).seal()

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
    proof: Annotated[
        Path,
        typer.Argument(help="A file of `lastro audit prove`, or a directory of `lastro audit export`.", exists=True),
    ],
    key: Annotated[str | None, typer.Option(help="Your own copy of the key: NAME+ID+BASE64.")] = None,
) -> None:
    """Check a proof or an export, without a database; with your own copy of the key nobody is trusted. Exit 1: no."""
    from interfaces.audit.imports import BadExport, check_export
    from interfaces.audit.notes import VerifierKey
    from interfaces.audit.proofs import ProofFails, check_proof

    own = VerifierKey.parse(key) if key else None
    try:
        said = check_export(proof, own) if proof.is_dir() else check_proof(proof.read_text(), own)
    except (ProofFails, BadExport) as error:
        typer.echo(f"It does not hold: {error}")
        raise typer.Exit(FINDING) from None
    typer.echo(f"It holds: {said}.")
    if key is None:
        typer.echo("It was checked with the key in the proof itself: compare that with your own copy, or give --key.")


def export(
    directory: Annotated[Path, typer.Argument(help="An empty or new directory.")],
    first: Annotated[int, typer.Option("--from", help="First log position.", min=1)] = 1,
    last: Annotated[int | None, typer.Option("--to", help="Last log position; unset: the head.")] = None,
    tenant: Annotated[str | None, typer.Option(help="One tenant's rows only, each with its proof.")] = None,
    form: Annotated[
        Form, typer.Option("--format", help="ndjson: the log itself; beancount: one tenant's books for that engine.")
    ] = Form.NDJSON,
    data: Data = None,
) -> None:
    """Write the log as NDJSON of events and receipts, or one tenant's books for beancount, and a signed manifest."""
    from interfaces.audit.beancount import export_books
    from interfaces.audit.export import cut_of
    from interfaces.audit.export import export as write
    from interfaces.audit.notary import load_notary
    from interfaces.audit.snapshot import open_snapshot
    from interfaces.installation import migrated_database_of
    from interfaces.settings import Settings

    settings = Settings.load(data=data)
    notary = load_notary(settings.evidence_key, create=settings.is_embedded)
    with migrated_database_of(settings) as urls, closing(open_snapshot(urls.projector)) as snapshot:
        cut = cut_of(snapshot, first, last, tenant=tenant)
        if form is Form.BEANCOUNT:
            books = export_books(snapshot, directory, cut, notary=notary)
            typer.echo(f"{books['transactions']} transactions of {len(books['accounts'])} accounts in {directory}")
            return
        manifest = write(snapshot, directory, cut, notary=notary)
    typer.echo(f"{manifest['events']['count']} events and {manifest['receipts']['count']} receipts in {directory}")


def take_in(
    directory: Annotated[Path, typer.Argument(help="What `lastro audit export` wrote.", exists=True)],
    key: Annotated[str | None, typer.Option(help="Your own copy of the key: NAME+ID+BASE64.")] = None,
    data: Data = None,
) -> None:
    """Fill a new installation with an export; positions, times and bytes stay as they were."""
    from interfaces.audit.imports import import_log
    from interfaces.audit.notes import VerifierKey
    from interfaces.installation import database_of
    from interfaces.postgres import migrations
    from interfaces.settings import Settings

    with database_of(Settings.load(data=data)) as urls:
        migrations.migrate(urls.owner)
        last = import_log(directory, urls.owner, key=VerifierKey.parse(key) if key else None)
    typer.echo(f"The log now ends at {last}; read models are made when the first worker starts.")


def _print(text: str, out: Path | None) -> None:
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text)
