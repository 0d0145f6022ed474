"""Which versions of streams are known to be *current*: those behind our last append, or later ones.

A group that was decided on nothing else may name our last command, and no version is looked up while that is the last
one of the log (`log.append()`). So a version that is wrongly held for current is decided on as it is: when in doubt,
it is not current, and is looked up.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

Leaves = Mapping[str, int | None]
"""Versions that a group leaves streams at; None where the database numbers its events (an open stream)."""


@dataclass(slots=True, eq=False)
class _Reading:
    """A reading of the log that is under way, and the streams that we moved meanwhile: it may have seen them before."""

    moved: set[str] = field(default_factory=set)
    doubted: bool = False


class Currency:
    """What one process knows. Streams that are not mentioned are not current."""

    def __init__(self) -> None:
        self._versions: dict[str, int] = {}
        self._readings: list[_Reading] = []

    def holds(self, versions: Mapping[str, int], under_way: Leaves) -> bool:
        """Tell whether all these versions are current, once the groups that are under way have been appended."""
        current = self._versions
        for stream, version in versions.items():
            if (under_way[stream] if stream in under_way else current.get(stream)) != version:
                return False
        return True

    def appended(self, leaves: Leaves) -> None:
        """Take in that we have appended a group, and with it that what it was decided on was true."""
        for stream, version in leaves.items():
            if version is None:
                self._versions.pop(stream, None)
            else:
                self._versions[stream] = version
        for reading in self._readings:
            reading.moved.update(leaves)

    def doubt(self) -> None:
        """Take in that another process has appended, or may have: any stream may have moved."""
        self._versions.clear()
        for reading in self._readings:
            reading.doubted = True

    def forget(self, stream: str) -> None:
        """Say nothing of a stream any more."""
        self._versions.pop(stream, None)

    @contextmanager
    def reading(self) -> Iterator[dict[str, int]]:
        """Read streams as they are now: what is put into the given dictionary is current unless it moved meanwhile."""
        reading, found = _Reading(), dict[str, int]()
        self._readings.append(reading)
        try:
            yield found
        finally:
            self._readings.remove(reading)
        if not reading.doubted:
            self._versions.update((stream, version) for stream, version in found.items() if stream not in reading.moved)
