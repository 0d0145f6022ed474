"""States of streams in memory, least recently used first out; loaded as snapshot plus tail.

An entry is always a committed state. It may be behind the log, which `log.append()` notices; it is never ahead of it.
Which of them are known to be its end says `currency`.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping

import structlog

from application.codec import decode
from application.currency import Currency, Leaves
from application.deciders import decider_of
from application.states import UnreadableSnapshot, decode_state, schema_hash_of
from application.store import Loaded
from application.work import Versioned

log = structlog.get_logger()

_NO_SNAPSHOT = "none"
Load = Callable[[Mapping[str, tuple[int, str]]], Awaitable[dict[str, Loaded]]]


class StateCache:
    """LRU of (version, state) by stream."""

    def __init__(self, capacity: int) -> None:
        self._entries: OrderedDict[str, Versioned] = OrderedDict()
        self._capacity = capacity
        self.currency = Currency()

    def missing(self, streams: Iterable[str]) -> list[str]:
        """Return those of the streams that are not here."""
        return [stream for stream in streams if stream not in self._entries]

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, stream: str) -> Versioned | None:
        """Return an entry and mark it as used."""
        entry = self._entries.get(stream)
        if entry is not None:
            self._entries.move_to_end(stream)
        return entry

    def appended(self, changes: Mapping[str, Versioned], leaves: Leaves) -> None:
        """Keep what our own append has changed, and take in how it leaves the streams that it was decided on."""
        self._put_all(changes)
        self.currency.appended(leaves)
        for stream in leaves:
            if stream not in self._entries:
                self.currency.forget(stream)

    def _put_all(self, entries: Mapping[str, Versioned]) -> None:
        for stream, entry in entries.items():
            self.put(stream, entry)

    def put(self, stream: str, entry: Versioned) -> None:
        """Keep a committed state unless a newer one is there; drop what was used least recently."""
        known = self._entries.get(stream)
        if known is None or known.version < entry.version:
            self._entries[stream] = entry
        self._entries.move_to_end(stream)
        if len(self._entries) > self._capacity:
            dropped, _ = self._entries.popitem(last=False)
            self.currency.forget(dropped)

    def clear(self) -> None:
        """Forget everything: the log is no longer the one these states were folded from."""
        self._entries.clear()
        self.currency.doubt()

    async def refresh(self, streams: Iterable[str], load: Load) -> dict[str, Versioned]:
        """Bring streams up to what is committed now, from what is known already; return them."""
        bases = {stream: self._entries.get(stream) or Versioned(0, decider_of(stream).initial) for stream in streams}
        wanted = {stream: (base.version, schema_hash_of(stream)) for stream, base in bases.items()}
        fresh: dict[str, Versioned] = {}
        with self.currency.reading() as found:
            for stream, tail in (await load(wanted)).items():
                try:
                    fresh[stream] = fold(stream, bases[stream], tail)
                except UnreadableSnapshot:
                    log.warning("snapshot.unreadable", stream=stream, version=tail.version)
                    replayed = await load({stream: (bases[stream].version, _NO_SNAPSHOT)})
                    fresh[stream] = fold(stream, bases[stream], replayed[stream])
            self._put_all(fresh)
            found.update((stream, entry.version) for stream, entry in fresh.items() if stream in self._entries)
        return fresh


def fold(stream: str, base: Versioned, tail: Loaded) -> Versioned:
    """Fold a loaded tail onto a base state."""
    decider = decider_of(stream)
    version, state = base
    if tail.snapshot is not None:
        version, state = tail.version, decode_state(stream, tail.snapshot)
    for event_version, name, data in tail.events:
        state = decider.evolve(state, decode(name, data))
        version = event_version
    return Versioned(version, state)
