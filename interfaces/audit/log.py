"""The shape of the log: positions and versions without gaps, appends whole, times in order, streams of their tenant.

It looks at the envelope only; what events say is decoded elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from interfaces.audit.findings import Tallies
from interfaces.audit.scope import WHOLE, Scope
from interfaces.audit.snapshot import Connection, rows

CHECKS = ("log positions", "stream versions", "appends", "times", "tenants", "event ids")

Row = tuple[Any, ...]
"""An event in the columns of `EVENT_COLUMNS`, its moment as a number."""

_REPEATED_IDS = """
    SELECT min(notification_id), max(notification_id), event_id FROM log.events WHERE notification_id <= %s
    GROUP BY event_id HAVING count(*) > 1 ORDER BY max(notification_id)
"""
_VERSIONS = """
    SELECT originator_id, max(originator_version) FROM log.events
    WHERE notification_id <= %s AND originator_id = ANY(%s) GROUP BY originator_id
"""
_GOES = "{} goes from version {} to {}"


@dataclass(frozen=True, slots=True)
class Streams:
    """The streams of a range of the log: where each begins there, at which version, and its last version."""

    begin: dict[str, tuple[int, int]] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)


class Shape:
    """The envelopes of a range on the way through it, in log order. It lies behind `before`, which ends an append."""

    def __init__(self, before: Row | None, tallies: Tallies) -> None:
        self.streams = Streams()
        self._tallies = tallies
        self._append = _Append(tallies, before)
        self._position: int = before[0] if before else 0
        self._latest: int = before[-1] if before else 0
        self._seen = 0

    def take(self, events: Sequence[Row]) -> None:
        """Look at the next events."""
        tallies, append, position, latest = self._tallies, self._append, self._position, self._latest
        begin, versions = self.streams.begin, self.streams.versions
        for number, stream, version, _, _, _, tenant, actor, command, _, _, append_id, index, size, moment in events:
            if number != position + 1:
                dropped = f"no event up to log position {number}: something was dropped"
                tallies["log positions"].find(position + 1, dropped)
            position = number
            known = versions.get(stream)
            if known is None:
                begin[stream] = position, version
            elif version != known + 1:
                tallies["stream versions"].find(position, _GOES.format(stream, known, version))
            versions[stream] = version
            if moment < latest:
                tallies["times"].find(position, "recorded before the event that it follows")
            latest = moment
            append.take(position, index, size=size, whose=(append_id, command, tenant, actor, moment))
            if not stream.startswith(f"{tenant}:"):
                tallies["tenants"].find(position, f"{stream} is not a stream of tenant {tenant}")
        self._position, self._latest = position, latest
        self._seen += len(events)

    def close(self) -> Streams:
        """Look at the last append, and return the streams."""
        self._append.end(self._position)
        for check in CHECKS:
            self._tallies[check].count("events", self._seen)
        self._tallies["appends"].count("appends", self._append.number)
        return self.streams


def check_versions(connection: Connection, ranges: Sequence[Streams], *, behind: int, tallies: Tallies) -> None:
    """Look at whether streams go on from range to range, which come in log order, and first from what lies behind."""
    with tallies.timed("stream versions") as tally:
        begun = sorted({stream for streams in ranges for stream in streams.begin}) if behind else []
        versions: dict[str, int] = dict(rows(connection, _VERSIONS, behind, begun)) if begun else {}
        for streams in ranges:
            for stream, (position, version) in streams.begin.items():
                known = versions.get(stream, 0)
                if version != known + 1:
                    tally.find(position, _GOES.format(stream, known, version))
            versions.update(streams.versions)
        tally.count("streams", len(begun) if behind else len(versions))


def check_event_ids(connection: Connection, scope: Scope = WHOLE) -> Tallies:
    """Look for event ids that occur twice."""
    tallies = Tallies.of(scope)
    with tallies.timed("event ids") as tally:
        for first, last, event_id in rows(connection, _REPEATED_IDS, scope.upto):
            tally.find(last, f"event id {event_id.hex()} is that of log position {first} too")
    return tallies


class _Append:
    """The append that is being read: its number, command, tenant, actor and time, and how many events it still has."""

    def __init__(self, tallies: Tallies, before: Row | None) -> None:
        self._tally = tallies["appends"]
        self._whose: tuple[object, ...] = ()  # No append goes on behind its end.
        self._index, self._size = before[12:14] if before else (0, 0)
        self.number = 0

    def take(self, position: int, index: int, *, size: int, whose: tuple[object, ...]) -> None:
        """Look at whether an event goes on with this append, or begins the next behind its end."""
        if index == 1:
            self.end(position - 1)
            self.number += 1
        elif (index, size, whose) != (self._index + 1, self._size, self._whose):
            self._tally.find(
                position, f"event {index} of {size} does not go on with event {self._index} of {self._size}"
            )
        self._index, self._size, self._whose = index, size, whose

    def end(self, position: int) -> None:
        """Look at whether the append is whole."""
        if self._index != self._size:
            self._tally.find(position, f"the append ends at event {self._index} of {self._size}")
