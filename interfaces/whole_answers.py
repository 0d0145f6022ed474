"""HTTP as uvicorn speaks it, but the head of an answer and its body leave together.

Written one by one they are two calls of the system and two packets, and a client that is woken twice: a tenth of what
a small answer costs.
"""

import asyncio
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_GATHERED = 64 * 1024
"""Bytes that wait at most; whoever writes more in one go is slowed down by the connection itself, as without us."""


class Gathering:
    """A transport that writes what it was given when the caller pauses, and before it closes."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._parts: list[bytes] = []
        self._size = 0

    def __getattr__(self, name: str) -> object:
        """Everything else is the transport's."""
        found: object = getattr(self._transport, name)
        return found

    def write(self, data: bytes) -> None:
        """Write soon, and together with what follows at once."""
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)
        self._size += len(data)
        if self._size > MOST_GATHERED:
            self._flush()

    def close(self) -> None:
        """Write what waits, then close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._parts:
            data = b"".join(self._parts)
            self._parts.clear()
            self._size = 0
            if not self._transport.is_closing():  # whoever asked may have gone since it was written
                self._transport.write(data)


class WholeAnswers(HttpToolsProtocol):
    """What uvicorn is told to speak."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin a connection."""
        whole = cast("asyncio.Transport", transport)
        super().connection_made(whole)
        self.transport = cast("asyncio.Transport", Gathering(whole))
