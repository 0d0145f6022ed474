"""A whole installation in a folder of its own: `lastro up` as a child process, its users, its audit, and its end.

Whatever happens in between, leaving it ends every process it started and removes the folder.
"""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import httpx

from interfaces.demo.rest import Json, Person
from interfaces.demo.statement import Costs
from interfaces.postgres.errors import ServerUnavailable
from interfaces.postgres.server import EmbeddedServer

_START_S = 45
_STOP_S = 20
_COMMAND_S = 60
_AUDIT_S = 300
_PAUSE_S = 0.05
_LASTRO = (sys.executable, "-m", "interfaces.cli.main")


class InstallationFailed(Exception):
    """A process of the installation could not start or do its work; the message ends with what it said last."""


class Installation:
    """One installation from start to end, as a context."""

    def __init__(self, candles: Path | None, costs: Costs) -> None:
        self._port = _free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._environment = _environment(candles, costs)
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._commands: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        try:
            with _interruptions_held_back():
                self._launch()
            self._wait_until_ready()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def run(self, *words: str) -> Json:
        """Run a command and return the one object that it prints with --json. Raises `InstallationFailed`."""
        process = self._command(*words)
        output, errors = process.communicate(timeout=_COMMAND_S)
        if process.returncode:
            said = (errors or output).strip()
            raise InstallationFailed(f"lastro {' '.join(words[:2])}: exit {process.returncode}\n{said}")
        answer: Json = json.loads(output) if "--json" in words else {}
        return answer

    def people(self, *roles: str, tenant: str = "main") -> list[Person]:
        """Create one user per role, all at once, and return them, ready to log in. Raises `InstallationFailed`."""
        people = [
            Person(self.url, email=f"{role}@demo.lastro.example", password=secrets.token_hex(12), tenant=tenant)
            for role in roles
        ]
        commands = [
            (
                *("user", "create", "--tenant", tenant, "--role", role, "--json"),
                *("--email", person.email, "--password", person.password),
            )
            for role, person in zip(roles, people, strict=True)
        ]
        running = [self._command(*command) for command in commands]
        for process in running:
            output, errors = process.communicate(timeout=_COMMAND_S)
            if process.returncode:
                raise InstallationFailed(f"lastro user create: exit {process.returncode}\n{(errors or output).strip()}")
        return people

    def audit(self) -> tuple[int, Json]:
        """Run `lastro audit verify --json` and return its exit code and answer, or what it said in place of one."""
        process = self._command("audit", "verify", "--json")
        output, errors = process.communicate(timeout=_AUDIT_S)
        try:
            answer: Json = json.loads(output)
        except ValueError:
            return process.returncode or 1, {"said": (errors or output).strip().splitlines()[-3:]}
        return process.returncode, answer

    def wait(self) -> None:
        """Wait until the installation ends by itself, which it should not."""
        assert self._process is not None, "the installation is running"
        self._process.wait()

    @property
    def _home(self) -> Path:
        assert self._folder is not None, "the installation is running"
        return self._folder

    @property
    def _data(self) -> str:
        return str(self._home / "data")

    @property
    def _log(self) -> Path:
        return self._home / "up.log"

    def _launch(self) -> None:
        # Below the system's temporary directory and open to pass through: the server may run as another user.
        self._folder = Path(tempfile.mkdtemp(prefix="lastro-demo-"))
        self._folder.chmod(0o711)
        command = (*_LASTRO, "up", "--port", str(self._port), "--data", self._data)
        with self._log.open("wb") as log:
            # In a session of its own, so that Ctrl-C reaches only the demo, which then ends it in order.
            self._process = subprocess.Popen(
                command, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def _wait_until_ready(self) -> None:
        assert self._process is not None, "the installation is running"
        deadline = time.monotonic() + _START_S
        while not self._is_ready():
            if self._process.poll() is not None:
                raise InstallationFailed(f"lastro up: exit {self._process.returncode}\n{self._said()}")
            if time.monotonic() > deadline:
                raise InstallationFailed(f"lastro up was not ready within {_START_S} s\n{self._said()}")
            time.sleep(_PAUSE_S)

    def _is_ready(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/health/ready", trust_env=False).is_success
        return False

    def _command(self, *words: str) -> subprocess.Popen[str]:
        with _interruptions_held_back():
            process = subprocess.Popen(
                (*_LASTRO, *words, "--data", self._data),
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            self._commands.append(process)
        return process

    def _end(self) -> None:
        """End the supervisor in order; then whatever of it may be left, the database server included."""
        for command in self._commands:
            if command.poll() is None:
                command.kill()
                command.communicate()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_S)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self._folder is None:
            return
        for alive in self._folder.rglob("pg.alive.lock"):
            server = EmbeddedServer(alive.parent)
            with contextlib.suppress(ServerUnavailable):
                server.stop()
            shutil.rmtree(server.layout.sockets, ignore_errors=True)
        shutil.rmtree(self._folder)

    def _said(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])


@contextlib.contextmanager
def _interruptions_held_back() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait until a process that is being started is known to us, or it would be left behind."""
    signals, came = (signal.SIGINT, signal.SIGTERM), []
    before = [signal.signal(one, lambda number, _: came.append(number)) for one in signals]
    try:
        yield
    finally:
        for one, handler in zip(signals, before, strict=True):
            signal.signal(one, handler)
    if came:
        signal.raise_signal(came[0])


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _environment(candles: Path | None, costs: Costs) -> dict[str, str]:
    """Return our environment without settings of another installation, and with those of the demo."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LASTRO_")}
    file = {} if candles is None else {"LASTRO_PAPER_CANDLES": str(candles.resolve())}
    return {
        **kept,
        **file,
        "LASTRO_ENV": "demo",
        "LASTRO_DESTINATION_COOLING_S": "0",
        "LASTRO_LIMIT_ANONYMOUS": "0",
        "LASTRO_LIMIT_USERS": "0",
        "LASTRO_PAPER_SLIPPAGE_BPS": str(costs.slippage_bps),
        "LASTRO_PAPER_FEE_BPS": str(costs.fee_bps),
    }
