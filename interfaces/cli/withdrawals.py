"""`lastro withdrawals`: the queue, decisions on it, and the file for the bank, for an operator without the API.

Nobody can tell who sits at the command line, so what takes two people is not approved here.
"""

import asyncio
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interfaces.cli.options import Data, Json, show

if TYPE_CHECKING:
    from application.commands import Body, Command, Envelope
    from application.withdrawals import Charge
    from domain.money import Amount
    from domain.withdrawals.withdrawal import Withdrawal
    from interfaces.payout_file import WrittenFile
    from interfaces.settings import Settings
    from projections.reading import Page
    from projections.withdrawals import Withdrawal as Listed

    Make = Callable[[Envelope, Withdrawal], Command]

app = typer.Typer(help="Withdrawals that wait for somebody.", no_args_is_help=True)

MOST_LISTED = 500

Tenant = Annotated[str, typer.Option(help="The tenant.")]
Id = Annotated[str, typer.Argument(help="The withdrawal's id.")]
Reason = Annotated[str, typer.Option(help="Why; no personal data, for it stays for ever.")]
Charge_ = Annotated[str | None, typer.Option("--charge", help="What our bank charged us, in the withdrawal's asset.")]
OwnBank = Annotated[str, typer.Option("--bank", help="The account of ours that was charged.")]


@app.command("list")
def list_(
    tenant: Tenant = "main",
    waits_for: Annotated[str | None, typer.Option(help="approval or payment; unset: both.")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List what waits for a decision or for the bank, the oldest first, as far as the read model has come."""
    from interfaces.api.pages import plain
    from interfaces.installation import migrated_database_of
    from interfaces.settings import Settings
    from projections.withdrawals import WaitsFor

    if waits_for not in {None, *WaitsFor}:
        raise typer.BadParameter("either approval or payment", param_hint="--waits-for")
    settings = Settings.load(data=data)
    with migrated_database_of(settings) as urls:
        page = asyncio.run(_queue(urls.app, tenant, None if waits_for is None else WaitsFor(waits_for)))
    now = datetime.now(UTC)
    items = [{**_json(plain(one)), "age_s": _age_s(one, now)} for one in page.items]
    lines = "\n".join(_line(one, now) for one in page.items) or "Nobody waits."
    show({"items": items, "log_position": page.log_position}, lines, as_json=as_json)


@app.command("approve")
def approve(withdrawal: Id, tenant: Tenant = "main", data: Data = None, as_json: Json = False) -> None:
    """Approve a withdrawal that one person may approve."""
    from application.withdrawals import approve_withdrawal

    _act(withdrawal, approve_withdrawal, tenant=tenant, data=data, as_json=as_json)


@app.command("reject")
def reject(withdrawal: Id, reason: Reason, tenant: Tenant = "main", data: Data = None, as_json: Json = False) -> None:
    """Refuse to pay; the hold is reversed."""
    from application.withdrawals import reject_withdrawal

    _act(
        withdrawal,
        lambda envelope, known: reject_withdrawal(envelope, known, reason=reason),
        tenant=tenant,
        data=data,
        as_json=as_json,
    )


@app.command("paid")
def paid(
    withdrawal: Id,
    bank: Annotated[str, typer.Option(help="Our account at the bank, or for coins the venue that held them.")],
    reference: Annotated[str, typer.Option(help="The payer's reference.")],
    network_fee: Annotated[str | None, typer.Option(help="What the network took, for coins.")] = None,
    tenant: Tenant = "main",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Record that it was paid."""
    from application.withdrawals import pay_withdrawal

    def pay(envelope: "Envelope", known: "Withdrawal") -> "Command":
        fee = None if network_fee is None else _amount(network_fee, known)
        return pay_withdrawal(envelope, known, bank=bank, reference=reference, network_fee=fee)

    _act(withdrawal, pay, tenant=tenant, data=data, as_json=as_json)


@app.command("failed")
def failed(
    withdrawal: Id,
    reason: Reason,
    charge: Charge_ = None,
    bank: OwnBank = "main",
    tenant: Tenant = "main",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Record that what was approved could not be paid; every entry is reversed."""
    from application.withdrawals import fail_withdrawal

    def fail(envelope: "Envelope", known: "Withdrawal") -> "Command":
        return fail_withdrawal(envelope, known, reason=reason, charge=_charge(charge, bank, known))

    _act(withdrawal, fail, tenant=tenant, data=data, as_json=as_json)


@app.command("returned")
def returned(
    withdrawal: Id,
    reason: Reason,
    charge: Charge_ = None,
    bank: OwnBank = "main",
    tenant: Tenant = "main",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Record that what was paid came back; every entry is reversed."""
    from application.withdrawals import return_withdrawal

    def give_back(envelope: "Envelope", known: "Withdrawal") -> "Command":
        return return_withdrawal(envelope, known, reason=reason, charge=_charge(charge, bank, known))

    _act(withdrawal, give_back, tenant=tenant, data=data, as_json=as_json)


@app.command("file")
def file(
    asset: Annotated[str | None, typer.Option(help="Make a file of what waits to be sent in this asset.")] = None,
    again: Annotated[str | None, typer.Option(help="Write a file again that was made before, by its id.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="A folder; unset: standard output.")] = None,
    tenant: Tenant = "main",
    data: Data = None,
) -> None:
    """Make the file of approved withdrawals for the bank and write it; its total goes to standard error too."""
    from interfaces.installation import migrated_database_of
    from interfaces.settings import Settings

    if (asset is None) == (again is None):
        raise typer.BadParameter("give either --asset or --again")
    settings = Settings.load(data=data)
    with migrated_database_of(settings) as urls:
        made = asyncio.run(_file(settings, urls.app, tenant, asset=asset, again=again))
    if out is None:
        typer.echo(made.text, nl=False)
    else:
        path = out / made.name
        path.touch(mode=0o600)
        path.write_text(made.text, newline="")
    typer.echo(f"{made.payments} payments, {made.total}, in {made.name}", err=True)


def _act(withdrawal: str, make: "Make", *, tenant: str, data: Path | None, as_json: bool) -> None:
    from interfaces.installation import migrated_database_of
    from interfaces.settings import Settings

    settings = Settings.load(data=data)
    with migrated_database_of(settings) as urls:
        body = asyncio.run(_submit(settings, urls.app, tenant, withdrawal=withdrawal, make=make))
    show(dict(body), f"Withdrawal {body['id']} is {body['status']}.", as_json=as_json)


async def _submit(settings: "Settings", app_url: str, tenant: str, *, withdrawal: str, make: "Make") -> "Body":
    from application.withdrawals import find_withdrawal
    from interfaces.installation import committing, envelope

    async with committing(settings, app_url) as committer:
        known = await find_withdrawal(committer, tenant, withdrawal)
        return (await committer.submit(make(envelope(tenant), known))).accepted()


async def _queue(app_url: str, tenant: str, waits_for: Any) -> "Page[Listed]":  # noqa: ANN401 - WaitsFor, imported late
    from interfaces.postgres.connections import pool, reading
    from projections.withdrawals import list_queue

    async with pool(app_url, name="lastro-cli", size=1) as source, reading(source, tenant) as connection:
        return await list_queue(connection, waits_for=waits_for, limit=MOST_LISTED)


async def _file(
    settings: "Settings", app_url: str, tenant: str, *, asset: str | None, again: str | None
) -> "WrittenFile":
    from application.payout_files import MOST_PAYMENTS, make_payout_file
    from domain.ids import PayoutFileId
    from interfaces.clock import SystemClock
    from interfaces.installation import committing, envelope
    from interfaces.payout_file import write_payout_file
    from interfaces.postgres.connections import pool, reading
    from interfaces.postgres.vault_crypto import load_master_key
    from interfaces.postgres.vault_destinations import PostgresDestinations
    from projections.withdrawals import list_to_send

    keys, file = load_master_key(settings.master_key), again or uuid.uuid4().hex
    async with pool(app_url, name="lastro-cli", size=1) as source, committing(settings, app_url) as committer:
        if asset is not None:
            async with reading(source, tenant) as connection:
                waiting = await list_to_send(connection, asset, limit=MOST_PAYMENTS)
            make = make_payout_file(envelope(tenant), PayoutFileId(file), asset=asset, waiting=waiting)
            (await committer.submit(make)).accepted()
        destinations = PostgresDestinations(source, keys, SystemClock())
        return await write_payout_file(committer, destinations, tenant=tenant, file=file)


def _amount(text: str, known: "Withdrawal") -> "Amount":
    from domain.money import Amount

    return Amount.parse(text, known.amount.asset)


def _charge(text: str | None, bank: str, known: "Withdrawal") -> "Charge | None":
    from application.withdrawals import Charge

    return None if text is None else Charge(amount=_amount(text, known), bank=bank)


def _age_s(one: "Listed", now: datetime) -> int:
    return max(0, int((now - one.requested_at).total_seconds()))


def _line(one: "Listed", now: datetime) -> str:
    hours, minutes = divmod(_age_s(one, now) // 60, 60)
    two = "  two people" if one.needs_second_person else ""
    return f"{one.id}  {one.status.value:<9}  {hours:>4} h {minutes:02} min  {one.amount} (net {one.net}){two}"


def _json(columns: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in columns.items()}
