"""A whole `lastro up` in a folder of its own, for benchmarks that come over TCP, and the people in it."""

import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from dev.bench.figures import Better, Figure, Report
from interfaces.postgres.configuration import Layout

READY_LIMIT_S = 60.0
PASSWORD = "a long enough pass phrase"  # noqa: S105 - of users that live as long as this benchmark


@contextmanager
def installation() -> Iterator[Path]:
    """Give the place of an installation that does not exist yet, and delete it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="lastro-bench-"))
    folder.chmod(0o711)
    try:
        yield folder / "data"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def up(home: Path, port: int, report: Report) -> Iterator[None]:
    """Run `lastro up`, note how long it took to be ready and what it needs when idle, and stop it afterwards."""
    command = [lastro(), "up", "--port", str(port), "--data", str(home)]
    started = time.perf_counter()
    process = subprocess.Popen(command, env=_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    report.conditions["request limits"] = "none"
    try:
        _wait_until_ready(port, process)
        report.add(Figure(name="`lastro up` ready", value=time.perf_counter() - started, unit="s"))
        for name, value, target in _api_process(home):
            unit = "s" if "ready" in name else "MB"
            report.add(Figure(name=name, value=value, unit=unit, target=target, better=Better.LESS))
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def add_user(home: Path, email: str, role: str) -> str:
    """Create an active user at the command line and return the id."""
    command = [lastro(), "user", "create", "--email", email, "--role", role, "--password", PASSWORD, "--json"]
    created = subprocess.run([*command, "--data", str(home)], check=True, capture_output=True, text=True)
    return str(json.loads(created.stdout)["id"])


def login(port: int, email: str) -> str:
    """Log in and return the access token."""
    body = json.dumps({"email": email, "password": PASSWORD}).encode()
    url = f"http://127.0.0.1:{port}/api/v1/auth/login"
    asked = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 - our own server on loopback
        return str(json.load(answer)["access_token"])


def add_conditions(report: Report, home: Path, when: str) -> None:
    """Note what the figures were measured under."""
    with psycopg.connect(Layout(data=home).urls().owner) as connection:
        for name in ("fsync", "synchronous_commit"):
            row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
            assert row is not None
            report.conditions[name] = str(row[0])
        counted = connection.execute("SELECT count(*) FROM log.events").fetchone()
        assert counted is not None
        report.conditions[f"events {when}"] = f"{counted[0]:,}"
    report.conditions["processes"] = "PostgreSQL, api, worker, supervisor, load"


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def lastro() -> str:
    """Return the program, as it is installed beside this Python."""
    return str(Path(sys.executable).with_name("lastro"))


def _api_process(home: Path) -> Iterator[tuple[str, float, float]]:
    """Start one more `lastro api` beside the installation: how fast is it ready, how much memory does it hold."""
    port = free_port()
    started = time.perf_counter()
    process = subprocess.Popen(
        [lastro(), "api", "--port", str(port), "--data", str(home)],
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_ready(port, process)
        yield "api ready", time.perf_counter() - started, 3
        pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
        yield "api idle, resident", pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 150
    finally:
        process.terminate()
        process.wait(timeout=30)


def _environment() -> dict[str, str]:
    """Return our environment, without limits on requests: a benchmark sends more than any user may."""
    return {**os.environ, "LASTRO_LIMIT_USERS": "0", "LASTRO_LIMIT_ANONYMOUS": "0", "LASTRO_LIMIT_ADMINS": "0"}


def _wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.perf_counter() + READY_LIMIT_S
    for _ in itertools.count():
        if process.poll() is not None:
            raise RuntimeError(f"it ended with exit status {process.returncode} before it was ready")
        if time.perf_counter() > end:
            raise RuntimeError(f"it was not ready within {READY_LIMIT_S:g} s")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2) as answer:
                if answer.status == 200:  # noqa: PLR2004 - 200 OK
                    return
        except OSError:
            time.sleep(0.02)
