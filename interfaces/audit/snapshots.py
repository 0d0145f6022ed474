"""Snapshots of streams against replay: each must be the state that its stream's events come to at its version.

One of another schema of states is never read by anybody; it is counted and left alone.
"""

from collections.abc import Iterable, Sequence

from application.codec import CannotDecode, decode
from application.deciders import DECIDERS, decider_of
from application.states import UnreadableSnapshot, decode_state, schema_hash_of
from application.streams import decided_as
from interfaces.audit.findings import Tallies, Tally
from interfaces.audit.scope import WHOLE, Scope
from interfaces.audit.snapshot import Connection, each, rows

CHECKS = ("snapshots",)

_STREAMS = "SELECT stream, max(version) FROM log.snapshots GROUP BY stream ORDER BY stream"
_SNAPSHOTS = "SELECT version, schema_hash, state FROM log.snapshots WHERE stream = %s ORDER BY version"
_EVENTS = """
    SELECT originator_version, notification_id, topic, state FROM log.events
    WHERE originator_id = %s AND originator_version <= %s ORDER BY originator_version
"""
EVENTS_AT_ONCE = 20_000


def streams_with_snapshots(connection: Connection) -> list[tuple[str, ...]]:
    """Return the streams that have snapshots, in portions of about as many events."""
    portions: list[tuple[str, ...]] = []
    portion: list[str] = []
    events = 0
    for stream, version in rows(connection, _STREAMS):
        portion.append(stream)
        events += version
        if events >= EVENTS_AT_ONCE:
            portions.append(tuple(portion))
            portion, events = [], 0
    return [*portions, tuple(portion)] if portion else portions


def check_snapshots(connection: Connection, streams: Iterable[str], scope: Scope = WHOLE) -> Tallies:
    """Replay streams up to their last snapshots, and compare on the way."""
    tallies = Tallies.of(scope)
    with tallies.timed("snapshots") as tally:
        for stream in streams:
            found = rows(connection, _SNAPSHOTS, stream)
            known = decided_as(stream) in DECIDERS
            digest = schema_hash_of(stream) if known else None
            current = [(version, state) for version, of, state in found if of == digest]
            tally.count("snapshots", len(current))
            tally.count("of another schema", len(found) - len(current))
            if current:
                _replay(connection, stream, snapshots=current, tally=tally)
    return tallies


def _replay(connection: Connection, stream: str, *, snapshots: Sequence[tuple[int, bytes]], tally: Tally) -> None:
    decider = decider_of(stream)
    state, waiting, position = decider.initial, dict(snapshots), None
    for version, position, name, data in each(connection, _EVENTS, stream, snapshots[-1][0]):
        try:
            state = decider.evolve(state, decode(name, data))
        except CannotDecode:
            return  # The codec's check tells of it.
        if version in waiting:
            what = _difference(stream, waiting.pop(version), state)
            if what is not None:
                tally.find(position, f"the snapshot of {stream} at version {version} {what}")
    for version in waiting:
        tally.find(position, f"{stream} has a snapshot at version {version} and no such event")


def _difference(stream: str, stored: bytes, replayed: object) -> str | None:
    try:
        return None if decode_state(stream, stored) == replayed else "is not what replay comes to"
    except UnreadableSnapshot:
        return "cannot be read, though its schema is today's"
