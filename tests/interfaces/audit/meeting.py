"""Two pieces of work that end only if two processes do them at the same time, and what then becomes of the helper."""

import os
import signal
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from interfaces.audit.snapshot import Connection

Done = tuple[int, int]
"""The number of a piece, and the process that did it."""
Then = Callable[[], None]


def pieces_at(fifo: Path, then: Then) -> Sequence[Callable[[Connection], Done]]:
    """Return two pieces that wait for one another. The helper goes on with `then`."""
    os.mkfifo(fifo)
    ways = os.O_RDONLY, os.O_WRONLY
    return [
        partial(_meet, fifo=fifo, number=number, way=way, ours=os.getpid(), then=then)
        for number, way in enumerate(ways)
    ]


def live() -> None:
    """Let nothing happen."""


def die() -> None:
    """Be killed."""
    os.kill(os.getpid(), signal.SIGKILL)


def fail() -> None:
    """Raise."""
    raise LookupError


def _meet(_: Connection, *, fifo: Path, number: int, way: int, ours: int, then: Then) -> Done:
    """Open a pipe that only opens when another opens its other end."""
    os.close(os.open(fifo, way))
    if os.getpid() != ours:
        then()
    return number, os.getpid()
