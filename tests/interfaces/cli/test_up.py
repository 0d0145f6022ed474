import json
import os
import signal
import socket
from functools import partial

import httpx
import pytest

from interfaces.supervisor import DEATHS_MAX
from tests.interfaces.cli.command import Lastro, Running, lives

pytestmark = pytest.mark.crash

CLOCK = {("role", name, "running") for name in ("clock", "timers", "sweeper")}
"""The parts of the role `clock`."""


def test_up_brings_everything_up_refuses_a_second_and_drains_on_sigterm(lastro: Lastro) -> None:
    with lastro.started("up", "--port", "0") as up:
        address = up.ready()
        second = lastro("up", "--port", "0")
        made = lastro("user", "create", "--email", "ana@example.org", "--role", "finance", "--json").succeeded().answer
        lastro("tenant", "create", "acme").succeeded()
        lastro("asset", "add", "TST").succeeded()
        up.until(lambda: lastro("status").status == 0)
        parts = lastro("status", "--json").succeeded().answer["parts"]
        person = {"email": "ana@example.org", "password": made["password"]}
        tokens = httpx.post(f"{address}/api/v1/auth/login", json=person, trust_env=False).json()
        children = [up.child("api"), up.child("worker")]
        status, took_s = up.drained()

    assert second.status == 2
    assert f"as process {up.process.pid}." in second.errors
    assert tokens["access_token"]
    assert {"clock", "execution", "snapshots"} <= {part["name"] for part in parts}
    assert "projection" in {part["kind"] for part in parts}
    assert status == 0
    assert took_s < 10
    assert not any(map(lives, children))
    assert not lastro.server_runs


@pytest.mark.slow
def test_the_children_of_a_killed_supervisor_end_and_its_postgres_is_adopted(lastro: Lastro) -> None:
    with lastro.started("up", "--port", "0") as up:
        up.ready()
        children = [up.child("api"), up.child("worker")]
        up.process.kill()
        up.process.wait()
        up.until(lambda: not any(map(lives, children)), within_s=10)
    assert lastro.server_runs
    before = (lastro.layout.cluster / "postmaster.pid").read_text().split()[0]

    with lastro.started("up", "--port", "0") as again:
        again.ready()
        assert (lastro.layout.cluster / "postmaster.pid").read_text().split()[0] == before
        assert again.drained()[0] == 0
    assert not lastro.server_runs


@pytest.mark.slow
def test_a_dead_child_is_started_again_and_given_up_after_five_deaths_in_a_minute(lastro: Lastro) -> None:
    with lastro.started("up", "--port", "0") as up:
        up.ready()
        for _ in range(DEATHS_MAX - 1):
            died = up.child("worker")
            os.kill(died, signal.SIGKILL)
            up.until(partial(_is_replaced, up, died))
        os.kill(up.child("worker"), signal.SIGKILL)
        up.process.wait(timeout=30)
    assert up.process.returncode == 2
    assert "worker died 5 times within 60 s" in up.said
    assert "Traceback" not in up.said
    assert not lastro.server_runs


def _is_replaced(up: Running, died: int) -> bool:
    return up.child("worker") != died


def test_a_taken_port_is_said_before_anything_runs(lastro: Lastro) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = lastro("up", "--port", str(taken.getsockname()[1]))
    assert done.status == 2
    assert "Cannot listen on 127.0.0.1:" in done.errors
    assert "up.started" not in done.errors
    assert not lastro.server_runs


@pytest.mark.slow
def test_a_worker_of_one_role_reports_only_its_parts(lastro: Lastro) -> None:
    lastro("migrate").succeeded()
    with lastro.started("worker", "--roles", "clock") as worker:
        worker.until(lambda: len(lastro("status", "--json").answer["parts"]) == len(CLOCK))
        parts = lastro("status", "--json").succeeded().answer["parts"]
        status, took_s = worker.drained()
    assert {(part["kind"], part["name"], part["state"]) for part in parts} == CLOCK
    assert status == 0
    assert took_s < 10
    unknown = lastro("worker", "--roles", "clock,king")
    assert (unknown.status, "has no role king" in unknown.errors) == (2, True)


@pytest.mark.slow
def test_following_the_log_shows_what_comes_in(lastro: Lastro) -> None:
    lastro("migrate").succeeded()
    with lastro.started("events", "tail", "--follow", "--json") as tail:
        tail.until(lambda: "system:tenant-main" in tail.said)
        lastro("tenant", "create", "acme").succeeded()
        tail.until(lambda: "system:tenant-acme" in tail.said)
        tail.process.send_signal(signal.SIGINT)
        assert tail.process.wait(timeout=15) == 130
    positions = [json.loads(line)["log_position"] for line in tail.said.splitlines()]
    assert positions == sorted(set(positions))
    assert not lastro.server_runs
