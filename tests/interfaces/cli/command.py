"""Runs `lastro` as operators do: a process, its exit status, and what it said where."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from interfaces.postgres.configuration import Layout, Urls
from interfaces.postgres.server import EmbeddedServer

ROOT = Path(__file__).resolve().parents[3]
COMMAND_S = 60
READY_S = 40.0
READY = re.compile(r"Lastro is ready at (http://\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A command that has ended."""

    status: int
    said: str
    errors: str

    def succeeded(self) -> Self:
        assert self.status == 0, self.errors
        return self

    @property
    def answer(self) -> dict[str, Any]:
        """The one object of `--json`."""
        answer: dict[str, Any] = json.loads(self.said)
        return answer


@dataclass(slots=True, kw_only=True)
class Lastro:
    """The command, for one installation."""

    data: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    command_s: int = COMMAND_S

    @classmethod
    def over(cls, database: Urls, home: Path) -> Self:
        """Return the command over a database of a test's own, with a key in a file beside it."""
        key = home / "master.key"
        key.write_bytes(b64encode(bytes(range(32))))
        settings = {
            "LASTRO_DATABASE_URL": database.app,
            "LASTRO_OWNER_URL": database.owner,
            "LASTRO_PROJECTOR_URL": database.projector,
            "LASTRO_MASTER_KEY_FILE": str(key),
            "LASTRO_EVIDENCE_KEY_FILE": str(key),
        }
        return cls(data=home / "data", settings=settings)

    def __call__(self, *words: str, **settings: str) -> Ended:
        """Run a command to its end, without a terminal."""
        done = subprocess.run(
            self._command(*words),
            cwd=ROOT,
            env=self._environment(settings),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=self.command_s,
            check=False,
        )
        return Ended(status=done.returncode, said=done.stdout, errors=done.stderr)

    @contextlib.contextmanager
    def started(self, *words: str, **settings: str) -> Iterator["Running"]:
        """Start a command that goes on, and end it in any case."""
        log = self.data.parent / f"{words[0]}-{time.monotonic_ns()}.log"
        with log.open("wb") as said:
            process = subprocess.Popen(
                self._command(*words),
                cwd=ROOT,
                env=self._environment(settings),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
        try:
            yield Running(process=process, log=log)
        finally:
            if process.poll() is None:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=15)
                process.kill()
                process.wait()

    @property
    def server_runs(self) -> bool:
        return Layout(data=self.data.resolve()).cluster.exists() and EmbeddedServer(self.data).is_running()

    @property
    def layout(self) -> Layout:
        return Layout(data=self.data.resolve())

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "interfaces.cli.main", *words]

    def _environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("LASTRO_")}
        return {**inherited, "LASTRO_DATA": str(self.data), **self.settings, **settings}


@dataclass(slots=True, kw_only=True)
class Running:
    """A command that goes on, and its log."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def said(self) -> str:
        return self.log.read_text()

    @property
    def events(self) -> list[dict[str, Any]]:
        """What it logged."""
        return [json.loads(line) for line in self.said.splitlines() if line.startswith("{")]

    def child(self, name: str) -> int:
        """Return the process id a child was last started with."""
        return int(
            [event for event in self.events if event["event"] == "up.started" and event["child"] == name][-1]["pid"]
        )

    def ready(self) -> str:
        """Wait until everything is ready and return its address."""
        self.until(lambda: READY.search(self.said))
        found = READY.search(self.said)
        assert found is not None
        return found[1]

    def until(self, condition: Callable[[], object], *, within_s: float = READY_S) -> None:
        end = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < end, self.said
            time.sleep(0.05)

    def drained(self) -> tuple[int, float]:
        """End it in order; return its exit status and how many seconds that took."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30), time.monotonic() - begun


def lives(process: int) -> bool:
    """Say whether a process runs; a zombie does not."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
