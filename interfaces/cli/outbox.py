"""`lastro outbox`: the messages to people, whether a mail server has them or an operator shows them."""

import asyncio
import json
from typing import TYPE_CHECKING, Annotated

import typer

from interfaces.cli.options import Data, Json

if TYPE_CHECKING:
    from interfaces.postgres.vault_people import Posted
    from interfaces.settings import Settings


def outbox(
    tenant: Annotated[str, typer.Option(help="Whose people.")] = "main",
    limit: Annotated[int, typer.Option(help="How many, newest first.", min=1, max=500)] = 20,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Print the newest messages to people. They hold tokens that prove who reads them: show them to nobody else."""
    from interfaces.installation import migrated_database_of
    from interfaces.settings import Settings

    settings = Settings.load(data=data)
    with migrated_database_of(settings) as urls:
        found = asyncio.run(_messages(settings, urls.app, tenant, limit=limit))
    for id, email, posted in found:
        shown = {"id": id, "to": email, "kind": posted.message.kind, "token": posted.message.token}
        at = posted.created_at.isoformat()
        state = "sent" if posted.sent_at else f"refused {posted.refusal}" if posted.refusal else "waits"
        text = f"{at}  {state}  {email}  {posted.message.kind}  {posted.message.token or ''}"
        typer.echo(json.dumps({**shown, "created_at": at, "state": state}) if as_json else text)


async def _messages(
    settings: "Settings", app_url: str, tenant: str, *, limit: int
) -> "list[tuple[str, str | None, Posted]]":
    from domain.ids import SubjectId
    from interfaces.clock import SystemClock
    from interfaces.postgres.connections import pool
    from interfaces.postgres.vault import open_vault
    from interfaces.postgres.vault_crypto import load_master_key
    from interfaces.postgres.vault_people import PostgresOutbox

    keys = load_master_key(settings.master_key, create=settings.is_embedded)
    async with pool(app_url, name="lastro-outbox", size=1) as source:
        vault = await open_vault(source, keys, SystemClock())
        found = await PostgresOutbox(source, keys, SystemClock()).list_messages(tenant, limit=limit)
        emails = await vault.get_fields(tenant, "email", {SubjectId(one.subject) for one in found})
    return [(one.id, emails.get(SubjectId(one.subject)), one) for one in found]
