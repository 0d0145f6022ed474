"""A wire between a committer and its database that can be cut, or lose what the database answered."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from interfaces.postgres.configuration import Urls


class Wire:
    """Passes bytes both ways. It loses the next `answers_to_lose` answers, and the connection with each."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._open: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.answers_to_lose = 0
        self.lost = 0

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until one of its ends closes, or the wire is cut."""
        with suppress(OSError):
            there, back = await asyncio.open_unix_connection(self._socket)
            self._writers |= {writer, back}
            await asyncio.gather(self._pass(reader, back, answers=False), self._pass(there, writer, answers=True))
            self._writers -= {writer, back}

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, answers: bool) -> None:
        with suppress(OSError):
            while data := await source.read(65_536):
                if answers and self.answers_to_lose:
                    self.answers_to_lose -= 1
                    self.lost += 1
                    self.cut()
                    return
                target.write(data)
                await target.drain()
        target.close()

    def cut(self) -> None:
        """Close every connection at once."""
        for writer in self._writers:
            writer.transport.abort()


@asynccontextmanager
async def wire(database: Urls) -> AsyncIterator[tuple[Wire, str]]:
    """Give a wire to the database, and the app role's URL through it."""
    at = conninfo_to_dict(database.app)
    carried = Wire(f"{at['host']}/.s.PGSQL.{at['port']}")
    server = await asyncio.start_server(carried.carry, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield carried, make_conninfo(database.app, host="127.0.0.1", port=port, sslmode="disable", gssencmode="disable")
        carried.cut()
