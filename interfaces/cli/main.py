"""The entry point: commands put together, and what may go wrong said in one sentence.

Exit status: 0 fine, 1 a finding, 2 could not run, 3 the database has an older schema. A command imports what it runs,
so that `lastro --help` is quick.
"""

import signal
import sys
import traceback

import typer
from typer.exceptions import TyperException
from typer.main import get_command

from interfaces.cli import (
    events,
    finance,
    installation,
    measures,
    outbox,
    people,
    processes,
    projections,
    recovery,
    sandbox,
    withdrawals,
)

app = typer.Typer(
    name="lastro",
    help="A trading platform whose every number can be explained, replayed and proven.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("up")(processes.up)
app.command("api")(processes.api)
app.command("worker")(processes.worker)
app.command("migrate")(installation.migrate)
app.add_typer(people.tenants, name="tenant")
app.add_typer(people.users, name="user")
app.add_typer(people.assets, name="asset")
app.add_typer(events.app, name="events")
app.add_typer(withdrawals.app, name="withdrawals")
app.add_typer(measures.audit, name="audit")
app.add_typer(projections.app, name="projections")
app.add_typer(sandbox.app, name="sandbox")
app.add_typer(finance.app, name="finance")
app.add_typer(recovery.epochs, name="epoch")
app.command("backup")(recovery.backup)
app.command("restore")(recovery.restore)
app.command("outbox")(outbox.outbox)
app.command("demo")(measures.demo)
app.command("bench")(measures.bench)
app.command("status")(installation.status)
app.command("doctor")(installation.doctor)
app.command("config")(installation.config)
app.command("psql", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(installation.psql)

COULD_NOT_RUN = 2
WRONG_SCHEMA = 3
INTERRUPTED = 130
TERMINATED = 143


def run() -> None:
    """Run `lastro` and end the process with its exit status."""
    # An embedded server that this command started is released on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    try:
        status = get_command(app).main(prog_name="lastro", standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        status = INTERRUPTED
    except TyperException as error:
        typer.echo(f"lastro: {error} (`lastro --help` lists the commands)", err=True)
        status = COULD_NOT_RUN
    except Exception as error:  # noqa: BLE001 - the outermost loop: what is not expected is shown whole
        status = _explained(error)
    sys.exit(status if isinstance(status, int) else 0)


def _explained(error: Exception) -> int:
    """Say in one sentence what is wrong where that is known; let what nobody expects show itself whole."""
    from psycopg import OperationalError

    from application.commands import CommandRefused, CommitterError
    from application.ports import UnknownSubject
    from domain.errors import DomainError
    from interfaces.audit.export import CannotExport
    from interfaces.audit.imports import BadExport
    from interfaces.audit.notary import KeyUnusable
    from interfaces.audit.notes import NoKey
    from interfaces.audit.past import NoSuchMoment
    from interfaces.audit.proofs import CannotProve
    from interfaces.audit.resuming import CannotResume
    from interfaces.audit.scope import NoSuchRange
    from interfaces.bootstrap import CannotListen
    from interfaces.finance.errors import FinanceError
    from interfaces.payments.sandbox import SandboxRefuses
    from interfaces.postgres.backup import CannotBackUp
    from interfaces.postgres.errors import ServerUnavailable
    from interfaces.postgres.migrations import MigrationRefused, SchemaTooOld
    from interfaces.postgres.restore import CannotRestore
    from interfaces.postgres.vault_crypto import VaultUnusable
    from interfaces.settings import SettingsRefused
    from interfaces.supervisor import AlreadyUp, GivenUp
    from interfaces.worker import UnknownRole
    from projections.generations import RebuildRefused

    expected = (
        AlreadyUp, BadExport, CannotBackUp, CannotExport, CannotListen, CannotProve, CannotRestore, CannotResume,
        CommandRefused, CommitterError, DomainError, FinanceError, GivenUp, KeyUnusable, MigrationRefused, NoKey,
        NoSuchMoment, NoSuchRange, OperationalError, RebuildRefused, SandboxRefuses, ServerUnavailable,
        SettingsRefused, UnknownRole, UnknownSubject, VaultUnusable,
    )  # fmt: skip
    if isinstance(error, SchemaTooOld):
        typer.echo(f"lastro: {error}", err=True)
        return WRONG_SCHEMA
    if isinstance(error, expected):
        typer.echo(f"lastro: {str(error) or type(error).__name__}", err=True)
        return COULD_NOT_RUN
    traceback.print_exception(error)
    return COULD_NOT_RUN  # not 1: that would be a finding


if __name__ == "__main__":
    run()
