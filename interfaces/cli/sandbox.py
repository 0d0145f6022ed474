"""`lastro sandbox …`: what a payer, a card's bank or a provider would do, done to the sandbox by an operator."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

import typer

from interfaces.cli.options import Data, Json, show

if TYPE_CHECKING:
    from pathlib import Path

    from domain.payments import ProviderFact
    from interfaces.payments.sandbox import SandboxPayments

app = typer.Typer(help="The payment provider that moves no money.", no_args_is_help=True)

Deposit = Annotated[str, typer.Argument(help="A deposit's or refund's id, or an id of the sandbox.")]


@app.command("settle")
def settle(what: Deposit, data: Data = None, as_json: Json = False) -> None:
    """Let a payment or refund succeed, or a payout arrive."""
    _act(data, lambda sandbox, id: sandbox.settle(id), what, as_json=as_json)


@app.command("fail")
def fail(what: Deposit, reason: str = "declined", data: Data = None, as_json: Json = False) -> None:
    """Let a payment, refund or payout fail."""
    _act(data, lambda sandbox, id: sandbox.fail(id, reason), what, as_json=as_json)


@app.command("dispute")
def dispute(what: Deposit, reason: str = "fraudulent", data: Data = None, as_json: Json = False) -> None:
    """Let a payer take a payment back."""
    _act(data, lambda sandbox, id: sandbox.dispute(id, reason), what, as_json=as_json)


@app.command("win")
def win(what: Deposit, data: Data = None, as_json: Json = False) -> None:
    """Decide a dispute for us: the money comes back."""
    _act(data, lambda sandbox, id: sandbox.close_dispute(id, won=True), what, as_json=as_json)


@app.command("lose")
def lose(what: Deposit, data: Data = None, as_json: Json = False) -> None:
    """Decide a dispute against us."""
    _act(data, lambda sandbox, id: sandbox.close_dispute(id, won=False), what, as_json=as_json)


@app.command("payout")
def payout(
    value: Annotated[str, typer.Argument(help="How much, such as 96.01.")],
    currency: Annotated[str, typer.Argument(help="Of which currency, such as USD.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Send our money at the sandbox to our bank."""
    from domain.currencies import DECIMALS
    from domain.money import Amount, asset_of

    amount = Amount.parse(value, asset_of(currency, DECIMALS.get(currency, 0)))
    _act(data, lambda sandbox, _: sandbox.pay_out(amount), "", as_json=as_json)


def _act(
    data: "Path | None", act: "Callable[[SandboxPayments, str], Awaitable[ProviderFact]]", what: str, *, as_json: bool
) -> None:
    from interfaces.clock import SystemClock
    from interfaces.installation import migrated_database_of
    from interfaces.payments.sandbox import SandboxPayments, SandboxRefuses
    from interfaces.postgres.connections import pool
    from interfaces.postgres.vault_crypto import load_master_key
    from interfaces.settings import Settings

    settings = Settings.load(data=data)
    if not settings.has_sandbox:
        raise SandboxRefuses("there is no sandbox here")
    keys = load_master_key(settings.master_key, create=settings.is_embedded)

    async def done(url: str) -> "ProviderFact":
        async with pool(url, name="lastro-sandbox", size=1) as source:
            sandbox = SandboxPayments(source, SystemClock(), secret=keys.sandbox)
            return await act(sandbox, await sandbox.id_of(what))

    with migrated_database_of(settings) as urls:
        fact = asyncio.run(done(urls.app))
    result = {"id": fact.id, "status": fact.status.value, "amount": str(fact.amount)}
    show(result, f"{fact.id}: {fact.status.value}, {fact.amount}", as_json=as_json)
