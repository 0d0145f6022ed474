"""`lastro events tail`: the log as it grows, one event a line."""

import asyncio
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interfaces.cli.options import Data, Json

if TYPE_CHECKING:
    from application.log import Recorded

app = typer.Typer(help="The event log.", no_args_is_help=True)

BATCH = 500
DEFAULT_LAST = 20


@app.callback()
def _group() -> None:
    """Keep the name of a single command."""


@app.command("tail")
def tail(
    data: Data = None,
    after: Annotated[int | None, typer.Option(help="Begin behind this log position.", min=0)] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until interrupted.")] = False,
    as_json: Json = False,
) -> None:
    """Print the last events, or those behind a log position; with --json one JSON object a line."""
    from interfaces.installation import migrated_database_of
    from interfaces.settings import Settings

    settings = Settings.load(data=data)
    with migrated_database_of(settings) as urls:
        asyncio.run(_tail(urls.app, after=after, follow=follow, as_json=as_json))


async def _tail(app_url: str, *, after: int | None, follow: bool, as_json: bool) -> None:
    from application.store import Connection, Store, speak_hex_ids
    from application.wakeup import Wakeup
    from interfaces.postgres.connections import connect, pool

    async def connecting() -> Connection:
        return await connect(app_url, name="lastro-tail")

    wakeup = Wakeup(connecting, "lastro_log")
    async with pool(app_url, name="lastro-tail", size=1, configure=speak_hex_ids) as reads:
        store = Store(reads)
        position = max(0, await store.head() - DEFAULT_LAST) if after is None else after
        await wakeup.start()
        try:
            while True:
                batch = await store.read_after(position, limit=BATCH)
                for event in batch.events:
                    typer.echo(json.dumps(_shown(event)) if as_json else _line(event))
                position = batch.end
                if not batch.events:
                    if not follow:
                        return
                    await wakeup.wait()
        finally:
            await wakeup.stop()


def _shown(event: "Recorded") -> dict[str, Any]:
    return {
        "log_position": event.log_position,
        "recorded_at": event.recorded_at.isoformat(),
        "stream": event.stream,
        "version": event.version,
        "type": event.name,
        "event_id": event.event_id,
        "actor": event.actor,
        "command_id": event.command_id,
        "causation_id": event.causation_id,
        "fact": json.loads(event.state),
    }


def _line(event: "Recorded") -> str:
    return f"{event.log_position:>8}  {event.recorded_at:%Y-%m-%d %H:%M:%S.%f}  {event.name:<28} {event.stream}"
