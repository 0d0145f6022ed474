"""One command's work inside a group: it sees committed states plus what earlier commands of the group changed.

Everything it changes stays its own until the committer takes it over; a refused command leaves nothing behind.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from application.deciders import decider_of
from application.streams import is_open
from domain.errors import DomainError


class Versioned(NamedTuple):
    """A stream's state at a version."""

    version: int
    state: Any


class Written(NamedTuple):
    """An event to append. The version is None for an open stream, which `log.append()` numbers itself."""

    stream: str
    version: int | None
    event: Any


class Work:
    """What a command's `decide` runs on."""

    __slots__ = ("_changes", "_states", "written")

    def __init__(self, states: Mapping[str, Versioned]) -> None:
        self._states = states
        self._changes: dict[str, Versioned] = {}
        self.written: list[Written] = []

    @property
    def changes(self) -> Mapping[str, Versioned]:
        """The streams this command moved, with their new states."""
        return self._changes

    def state(self, stream: str) -> Any:
        """Return a stream's state. A stream that is not open must be among the command's reads."""
        return self._versioned(stream)[1]

    def version(self, stream: str) -> int:
        """Return a stream's version; 0 where it has no event yet."""
        return self._versioned(stream)[0]

    def run(self, stream: str, command: Any) -> tuple[Any, ...]:
        """Decide a domain command on a stream, record its events and return them."""
        decider = decider_of(stream)
        current = self._changes.get(stream) or self._states.get(stream)
        if current is None:
            assert is_open(stream), f"{stream} is neither open nor among the command's reads"
            events: tuple[Any, ...] = decider.decide(decider.initial, command)
            self.written.extend([Written(stream, None, event) for event in events])
            return events
        version, state = current
        events = decider.decide(state, command)
        for event in events:
            version += 1
            state = decider.evolve(state, event)
            self.written.append(Written(stream, version, event))
        if events:
            self._changes[stream] = Versioned(version, state)
        return events

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what was done inside when a rule is broken there, and only that."""
        changes, written = dict(self._changes), len(self.written)
        try:
            yield
        except DomainError:
            self._changes = changes
            del self.written[written:]
            raise

    def _versioned(self, stream: str) -> Versioned:
        found = self._changes.get(stream) or self._states.get(stream)
        assert found is not None, f"{stream} is not among the command's reads"
        return found
