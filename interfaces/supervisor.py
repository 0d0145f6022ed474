"""`lastro up`: one supervisor with PostgreSQL, an `api` and a `worker`.

A dead child is started again with a growing pause, and given up loudly after five deaths in a minute. Children end
when the supervisor's pipe closes, so that none outlives it; PostgreSQL does, and the next `up` adopts it.
"""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from interfaces.postgres.server import EmbeddedServer

log = structlog.get_logger()

DEATHS_MAX = 5
DEATHS_WINDOW_S = 60.0
DRAIN_S = 9.0
LOOK_S = 0.1
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0


class AlreadyUp(Exception):
    """Another `up` runs on the same data directory."""


class GivenUp(Exception):
    """A child died too often."""


@contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Hold the lock of a data directory's supervisor. Raises `AlreadyUp`."""
    data.mkdir(parents=True, exist_ok=True)
    path = data / "up.lock"
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise AlreadyUp(f"`lastro up` runs on {data} already, as process {file.read().strip()}.") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


@dataclass(slots=True)
class Child:
    """One process of ours, restarted when it dies."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    deaths: deque[float] = field(default_factory=deque)
    start_at: float = 0.0

    def start(self) -> None:
        """Start the process with a pipe whose end means: end."""
        self.process = subprocess.Popen([*self.command], env={**os.environ, **self.environment}, stdin=subprocess.PIPE)
        log.info("up.started", child=self.name, pid=self.process.pid)

    def look(self, now: float) -> None:
        """Start the process again when it died and its pause is over. Raises `GivenUp`."""
        if self.process is not None and self.process.poll() is None:
            return
        if self.process is not None:
            self._died(now, self.process.returncode)
        if now >= self.start_at:
            self.start()

    def _died(self, now: float, status: int) -> None:
        self.process = None
        self.deaths.append(now)
        while self.deaths and self.deaths[0] < now - DEATHS_WINDOW_S:
            self.deaths.popleft()
        log.error("up.child_died", child=self.name, status=status, deaths=len(self.deaths))
        if len(self.deaths) >= DEATHS_MAX:
            raise GivenUp(f"{self.name} died {DEATHS_MAX} times within {DEATHS_WINDOW_S:g} s, last with {status}.")
        self.start_at = now + min(FIRST_PAUSE_S * 2 ** (len(self.deaths) - 1), LONGEST_PAUSE_S)

    def end(self) -> None:
        """Ask the process to end."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def wait(self, deadline: float) -> None:
        """Wait until the process has ended; past the deadline it is killed, which loses nothing acknowledged."""
        if self.process is None:
            return
        try:
            self.process.wait(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("up.child_killed", child=self.name)
            self.process.kill()
            self.process.wait()


class Supervisor:
    """Keeps the children and an embedded server running until it is told to stop.

    `until_ready` is called again and again until it says that everything is ready.
    """

    def __init__(
        self, children: Sequence[Child], server: EmbeddedServer | None, *, until_ready: Callable[[], bool]
    ) -> None:
        self._children = children
        self._server = server
        self._until_ready = until_ready
        self._stopping = threading.Event()

    def run(self) -> None:
        """Run until SIGTERM or SIGINT, then drain. Raises `GivenUp`."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stopping.set())
        ready = False
        try:
            for round_number in range(sys.maxsize):
                if self._stopping.wait(LOOK_S):
                    return
                for child in self._children:
                    child.look(time.monotonic())
                ready = ready or self._until_ready()
                if round_number % 10 == 0:
                    self._look_after_the_server()
        finally:
            self._end()

    def _look_after_the_server(self) -> None:
        """Start a server that died again; its start is its recovery."""
        if self._server is not None and not self._server.is_running():
            log.error("up.server_died")
            self._server.start()

    def _end(self) -> None:
        deadline = time.monotonic() + DRAIN_S
        for child in self._children:
            child.end()
        for child in self._children:
            child.wait(deadline)
        log.info("up.stopped")
