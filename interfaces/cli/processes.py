"""`lastro up`, `lastro api`, `lastro worker`: the processes of an installation."""

import asyncio
import gc
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from interfaces.cli.options import Data

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Port = Annotated[int | None, typer.Option("--port", help="Port of the API; 0 takes a free one.", min=0, max=65_535)]


def up(data: Data = None, port: Port = None) -> None:
    """Run everything: PostgreSQL, the API and a worker, until it is stopped."""
    from interfaces.bootstrap import listen
    from interfaces.installation import database_of, migrate
    from interfaces.postgres.server import EmbeddedServer
    from interfaces.settings import Settings
    from interfaces.supervisor import Child, Supervisor, only_one

    settings = Settings.load(data=data, api_port=port)
    _log_as_json()
    server = EmbeddedServer(settings.data) if settings.is_embedded else None
    with only_one(settings.data), server or database_of(settings) as urls:
        asyncio.run(migrate(settings, urls))
        with listen(settings.api_host, settings.api_port) as probe:
            address = (settings.api_host, int(probe.getsockname()[1]))
        environment = {"LASTRO_DATA": str(settings.data.resolve()), "LASTRO_API_PORT": str(address[1])}
        command = [sys.executable, "-m", "interfaces.cli.main"]
        children = [Child(name, [*command, name, "--supervised"], environment) for name in ("api", "worker")]
        Supervisor(children, server, until_ready=lambda: _say_when_ready(*address)).run()


def api(data: Data = None, port: Port = None, supervised: Annotated[bool, typer.Option(hidden=True)] = False) -> None:
    """Run the API alone. Many may run on one database."""
    gc.disable()  # until it serves: looking for garbage in what is imported takes a tenth of the start
    from interfaces.bootstrap import serve_api
    from interfaces.installation import migrated_database_of
    from interfaces.settings import Settings

    settings = Settings.load(data=data, api_port=port)
    _log_as_json()
    with migrated_database_of(settings, supervised=supervised) as urls:
        _serve(lambda stop: serve_api(settings, urls.app, stop), supervised=supervised)


def worker(
    data: Data = None,
    roles: Annotated[str | None, typer.Option(help="Which roles, separated by commas; unset: all.")] = None,
    supervised: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Run a worker: read models, policies, clock, execution, snapshots. Many may share the work."""
    gc.disable()  # as for the API
    from interfaces.installation import migrated_database_of
    from interfaces.settings import Settings
    from interfaces.worker import ROLES, serve_worker

    settings = Settings.load(data=data)
    chosen = ROLES if roles is None else tuple(role.strip() for role in roles.split(","))
    _log_as_json()
    with migrated_database_of(settings, supervised=supervised) as urls:
        _serve(lambda stop: serve_worker(settings, urls, roles=chosen, stop=stop), supervised=supervised)


def _serve(run: "Callable[[asyncio.Event], Awaitable[None]]", *, supervised: bool) -> None:
    """Run until SIGTERM or SIGINT, or, under a supervisor, until its pipe closes."""
    import uvloop

    from interfaces.collecting import collect_rarely

    async def serve() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        if supervised:
            threading.Thread(target=_end_with_the_pipe, daemon=True).start()
        collect_rarely()
        await run(stop)

    uvloop.run(serve())


def _end_with_the_pipe() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _say_when_ready(host: str, port: int) -> bool:
    """Say where Lastro is as soon as it can commit commands; return whether that was said."""
    from contextlib import closing
    from http import HTTPStatus
    from http.client import HTTPConnection, HTTPException

    try:
        with closing(HTTPConnection(host, port, timeout=1.0)) as connection:
            connection.request("GET", "/health/ready")
            ready = connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    if ready:
        typer.echo(f"Lastro is ready at http://{host}:{port}")
    return ready


def _log_as_json() -> None:
    """Log one JSON object a line on stderr; nothing secret or personal is ever passed to the log."""
    import structlog

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )
