"""States of streams for a committer: what is remembered, and what is read for all who want it at once."""

from collections.abc import Iterable, Sequence
from typing import cast

from psycopg import InterfaceError, OperationalError

from application.cache import StateCache
from application.gathering import Gathering
from application.store import Store
from application.work import Versioned

READS = 2
"""How many reads of streams are under way at once: a long stream holds up nobody who wants a short one."""


class Loading:
    """Reads through `store` into `cache`."""

    def __init__(self, cache: StateCache, store: Store) -> None:
        self._cache = cache
        self._store = store
        self._reads = Gathering(self._read, at_once=READS)

    async def known(self, streams: Iterable[str]) -> dict[str, Versioned]:
        """Return states, those that are remembered as they are, which may be behind the log."""
        states = {stream: self._cache.get(stream) for stream in streams}
        if missing := [stream for stream, entry in states.items() if entry is None]:
            states.update(await self.current(missing))
        return cast("dict[str, Versioned]", states)

    async def current(self, streams: Sequence[str]) -> dict[str, Versioned]:
        """Return states as of now or later; what callers want while others are being read is read for all together.

        One stream that cannot be read fails who reads it, and nobody else.
        """
        try:
            read = await self._reads.take(*streams)
        except (OperationalError, InterfaceError):
            raise
        except Exception:  # noqa: BLE001 - it may be another's; if it is ours, it is raised again
            return await self._read(streams)
        return {stream: read[stream] for stream in streams}

    async def _read(self, streams: Sequence[str]) -> dict[str, Versioned]:
        return await self._cache.refresh(dict.fromkeys(streams), self._store.load)
