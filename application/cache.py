"""States of streams in memory, least recently used first out; loaded as snapshot plus tail.

An entry is always a committed state. It may be behind the log, which `log.append()` notices; it is never ahead of it.
What is *current* is known to be as of the last append that this process knows of.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping

import structlog

from application.codec import decode
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
        self._current: set[str] = set()
        self._doubts = 0
        self._capacity = capacity

    def __contains__(self, stream: str) -> bool:
        return stream in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, stream: str) -> Versioned | None:
        """Return an entry and mark it as used."""
        entry = self._entries.get(stream)
        if entry is not None:
            self._entries.move_to_end(stream)
        return entry

    def are_current(self, streams: Iterable[str]) -> bool:
        """Tell whether all of these states are known to be those of the last append that this process knows of."""
        return self._current.issuperset(streams)

    def confirm(self, streams: Iterable[str]) -> None:
        """Take in that the log was asked about these streams, and that the states here are its last."""
        self._current.update(stream for stream in streams if stream in self._entries)

    def doubt(self) -> None:
        """Take in that another process has appended: any stream may have moved."""
        self._current.clear()
        self._doubts += 1

    def doubt_these(self, streams: Iterable[str]) -> None:
        """Take in that we append to streams without knowing their states: what is read of them meanwhile is too old."""
        self._current.difference_update(streams)
        self._doubts += 1

    def put(self, stream: str, entry: Versioned) -> None:
        """Keep a committed state unless a newer one is there; drop what was used least recently."""
        known = self._entries.get(stream)
        if known is None or known.version < entry.version:
            self._entries[stream] = entry
        self._entries.move_to_end(stream)
        if len(self._entries) > self._capacity:
            dropped, _ = self._entries.popitem(last=False)
            self._current.discard(dropped)

    def clear(self) -> None:
        """Forget everything: the log is no longer the one these states were folded from."""
        self._entries.clear()
        self.doubt()

    async def refresh(self, streams: Iterable[str], load: Load) -> dict[str, Versioned]:
        """Bring streams up to what is committed now, from what is known already; return them."""
        bases = {stream: self._entries.get(stream) or Versioned(0, decider_of(stream).initial) for stream in streams}
        wanted = {stream: (base.version, schema_hash_of(stream)) for stream, base in bases.items()}
        doubts, fresh = self._doubts, dict[str, Versioned]()
        for stream, tail in (await load(wanted)).items():
            try:
                fresh[stream] = fold(stream, bases[stream], tail)
            except UnreadableSnapshot:
                log.warning("snapshot.unreadable", stream=stream, version=tail.version)
                replayed = await load({stream: (bases[stream].version, _NO_SNAPSHOT)})
                fresh[stream] = fold(stream, bases[stream], replayed[stream])
        for stream, entry in fresh.items():
            self.put(stream, entry)
        if doubts == self._doubts:
            self.confirm(fresh)
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
