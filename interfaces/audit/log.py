"""The shape of the log: positions and versions without gaps, appends whole, times in order, streams of their tenant.

It looks at the envelope only; what events say is decoded elsewhere.
"""

from interfaces.audit.findings import Tallies
from interfaces.audit.snapshot import Connection, each, rows

CHECKS = ("log positions", "stream versions", "appends", "times", "tenants", "event ids")

_ENVELOPES = """
    SELECT notification_id, originator_id, originator_version, recorded_at, append_index, append_size,
        append_id, command_id, tenant, actor
    FROM log.events ORDER BY notification_id
"""
_REPEATED_IDS = """
    SELECT min(notification_id), max(notification_id), event_id FROM log.events
    GROUP BY event_id HAVING count(*) > 1 ORDER BY max(notification_id)
"""


def check_log(connection: Connection) -> Tallies:
    """Read every envelope in log order."""
    tallies = Tallies({})
    for check in CHECKS:
        tallies[check].count("events", 0)
    with tallies.timed("log positions"):
        _read(connection, tallies)
    with tallies.timed("event ids") as ids:
        for first, last, event_id in rows(connection, _REPEATED_IDS):
            ids.find(last, f"event id {event_id.hex()} is that of log position {first} too")
    return tallies


def _read(connection: Connection, tallies: Tallies) -> None:
    versions: dict[str, int] = {}
    append = _Append(tallies)
    expected, seen, latest = 1, 0, 0
    for position, stream, version, recorded_at, *member in each(connection, _ENVELOPES):
        if position != expected:
            tallies["log positions"].find(expected, f"no event up to log position {position}: something was dropped")
        expected = position + 1
        known = versions.get(stream, 0)
        if version != known + 1:
            tallies["stream versions"].find(position, f"{stream} goes from version {known} to {version}")
        versions[stream] = version
        if recorded_at < latest:
            tallies["times"].find(position, "recorded before the event that it follows")
        latest = recorded_at
        index, size, *whose = member
        append.take(position, index, size=size, whose=(*whose, recorded_at))
        if not stream.startswith(f"{whose[2]}:"):
            tallies["tenants"].find(position, f"{stream} is not a stream of tenant {whose[2]}")
        seen += 1
    append.end(expected - 1)
    for check in CHECKS:
        tallies[check].count("events", seen)
    tallies["stream versions"].count("streams", len(versions))
    tallies["appends"].count("appends", append.number)


class _Append:
    """The append that is being read: its number, command, tenant, actor and time, and how many events it still has."""

    def __init__(self, tallies: Tallies) -> None:
        self._tally = tallies["appends"]
        self._whose: tuple[object, ...] = ()
        self._index = self._size = 0
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
