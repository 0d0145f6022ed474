"""The progress of a verification in a file, a line for every piece that is done: one that is killed goes on from it.

The file holds findings and hashes, nothing of the log. It is believed as the installation's directory is: whoever
doubts it begins anew. One that was written about another log, range or program is refused.
"""

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from domain.merkle import HASH_BYTES
from interfaces.audit.events import Read, end_of
from interfaces.audit.findings import Finding, Tallies
from interfaces.audit.plan import Done, Piece, Subject
from interfaces.audit.snapshot import Connection

FORMAT = "lastro-verification-1"


class CannotResume(Exception):
    """The file is another's: of another log, another range or another program, or somebody writes it right now."""


class BeingWritten(CannotResume):
    """Another verification writes the file right now."""


class Progress:
    """What is done so far, and where what is done next is written down."""

    def __init__(self, done: Mapping[tuple[str, str], Tallies], file: IO[str] | None) -> None:
        self._done = done
        self._file = file

    def of(self, piece: Piece) -> Tallies | None:
        """Return what an earlier run has found in this very piece."""
        return self._done.get((piece.name, piece.depends))

    def write(self, done: Done) -> None:
        """Write down a piece that is done."""
        if self._file is not None and done.depends:
            self._file.write(json.dumps(_line(done)) + "\n")
            self._file.flush()


@contextmanager
def progress_in(path: Path | None, connection: Connection, subject: Subject) -> Iterator[Progress]:
    """Go on with what the file says, or begin it; when all is done it is removed. Raises `CannotResume`."""
    if path is None:
        yield Progress({}, None)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BeingWritten(f"another verification is writing {path}") from None
        path.chmod(0o600)
        done = _read(file, path=path, connection=connection, subject=subject)
        yield Progress(done, file)
        path.unlink()


def _read(file: IO[str], *, path: Path, connection: Connection, subject: Subject) -> dict[tuple[str, str], Tallies]:
    """Read what is done. The last line may be torn: whoever wrote it was killed."""
    file.seek(0)
    text = file.read()
    whole = text[: text.rfind("\n") + 1]
    file.seek(len(whole.encode()))
    file.truncate()
    try:
        lines = [json.loads(line) for line in whole.splitlines()]
        if not lines:
            file.write(json.dumps(_header(connection, subject)) + "\n")
            file.flush()
            return {}
        _check_header(path, lines[0], connection=connection, subject=subject)
        for line in lines[1:]:
            if line["end"] is not None:
                _check_end(path, *line["end"], connection=connection)
        return {(line["piece"], line["depends"]): _tallies(line["tallies"], subject) for line in lines[1:]}
    except (ValueError, KeyError, TypeError):
        raise CannotResume(f"{path} is no progress of a verification") from None


def _header(connection: Connection, subject: Subject) -> dict[str, Any]:
    """Return what tells this log, range and program from any other."""
    return {
        "format": FORMAT,
        "program": version("lastro"),
        "scope": str(subject.scope),
        "log_position": subject.head,
        "last": end_of(connection, subject.head).hex(),
        "sealed": len(subject.hashes) // HASH_BYTES,
        "seals": sha256(subject.hashes).hexdigest(),
    }


def _check_header(path: Path, header: dict[str, Any], *, connection: Connection, subject: Subject) -> None:
    if header["format"] != FORMAT or header["program"] != version("lastro"):
        raise CannotResume(f"{path} was written by another version of this program")
    if header["scope"] != str(subject.scope):
        raise CannotResume(f"{path} is the progress of a verification of another range")
    sealed = subject.hashes[: header["sealed"] * HASH_BYTES]
    if len(sealed) < header["sealed"] * HASH_BYTES or sha256(sealed).hexdigest() != header["seals"]:
        raise CannotResume(f"{path} is not of this log: the first {header['sealed']} events were sealed differently")
    _check_end(path, header["log_position"], header["last"], connection=connection)


def _check_end(path: Path, log_position: int, expected: str, *, connection: Connection) -> None:
    if end_of(connection, log_position).hex() != expected:
        raise CannotResume(f"{path} is not of this log: at log position {log_position} it has seen other bytes")


def _line(done: Done) -> dict[str, Any]:
    end: list[object] | None = None
    match done.result:
        case Read(within=within, tallies=tallies, end=last):
            end = [within.upto, last.hex()]
        case tallies:
            pass
    return {
        "piece": done.name,
        "depends": done.depends,
        "end": end,
        "tallies": {
            tally.check: [tally.counts, tally.seconds, tally.found, tally.outside, [one[1:] for one in tally.findings]]
            for tally in tallies.values()
        },
    }


def _tallies(written: Mapping[str, Any], subject: Subject) -> Tallies:
    tallies = Tallies.of(subject.scope)
    for check, (counts, seconds, found, outside, findings) in written.items():
        tally = tallies[check]
        tally.counts, tally.seconds, tally.found, tally.outside = counts, seconds, found, outside
        tally.findings = [Finding(check, *finding) for finding in findings]
    return tallies
