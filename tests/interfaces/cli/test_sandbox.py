"""The sandbox as an operator meets it: real processes, messages signed and sent over HTTP, a worker that is killed."""

import os
import signal
from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.interfaces.cli.command import Lastro, Running

pytestmark = [pytest.mark.crash, pytest.mark.slow, pytest.mark.timeout(300)]


class Trader:
    """Somebody with a wallet, over HTTP."""

    def __init__(self, lastro: Lastro, up: Running, address: str) -> None:
        self._up = up
        words = ("--email", "ana@example.org", "--role", "trader", "--json")
        password = lastro("user", "create", *words).succeeded().answer["password"]
        self._api = httpx.Client(base_url=f"{address}/api/v1", trust_env=False, timeout=10)
        person = {"email": "ana@example.org", "password": password}
        token = self._api.post("/auth/login", json=person).json()["access_token"]
        self._api.headers["Authorization"] = f"Bearer {token}"

    def deposits(self, value: str) -> str:
        answer = self._api.post(
            "/deposits", json={"amount": {"value": value, "asset": "USD"}}, headers={"Idempotency-Key": uuid4().hex}
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def has(self, value: str) -> None:
        """Wait until so much is available."""
        self._up.until(lambda: self._wallet() == value)

    def until(self, deposit: str, status: str) -> None:
        def shown() -> dict[str, Any]:
            answer: dict[str, Any] = self._api.get(f"/deposits/{deposit}").json()
            return answer

        self._up.until(lambda: shown().get("status") == status)

    def _wallet(self) -> str:
        balances = self._api.get("/balances").json()["balances"]
        return next((str(one["value"]) for one in balances if one["state"] == "available"), "0.00")

    def close(self) -> None:
        self._api.close()


@pytest.fixture
def up(lastro: Lastro) -> Iterator[Running]:
    with lastro.started("up", "--port", "0") as running:
        yield running


@pytest.fixture
def trader(lastro: Lastro, up: Running) -> Iterator[Trader]:
    somebody = Trader(lastro, up, up.ready())
    yield somebody
    somebody.close()


def test_what_happens_at_the_sandbox_is_told_over_http_and_booked_once(lastro: Lastro, trader: Trader) -> None:
    paid, declined = trader.deposits("100.00"), trader.deposits("5.00")
    assert lastro("sandbox", "settle", paid, "--json").succeeded().answer["status"] == "succeeded"
    lastro("sandbox", "fail", declined).succeeded()
    trader.until(paid, "settled")
    trader.until(declined, "failed")
    trader.has("100.00")

    again = lastro("sandbox", "settle", paid)
    assert (again.status, "is succeeded" in again.errors, "Traceback" in again.errors) == (2, True, False)
    nothing = lastro("sandbox", "settle", "pay_nothing")
    assert (nothing.status, nothing.errors) == (2, "lastro: the sandbox has no pay_nothing\n")

    lastro("sandbox", "dispute", paid).succeeded()
    trader.has("0.00")
    assert lastro("sandbox", "win", paid, "--json").succeeded().answer["status"] == "won"
    trader.has("100.00")
    sent = lastro("sandbox", "payout", "96.01", "USD", "--json").succeeded().answer
    assert lastro("sandbox", "settle", sent["id"], "--json").succeeded().answer["status"] == "arrived"


def test_a_worker_killed_while_deposits_settle_books_each_once(lastro: Lastro, up: Running, trader: Trader) -> None:
    made = [trader.deposits("10.00") for _ in range(3)]
    for deposit in made:
        lastro("sandbox", "settle", deposit).succeeded()
        died = up.child("worker")
        os.kill(died, signal.SIGKILL)
        up.until(partial(_is_replaced, up, died))
    for deposit in made:
        trader.until(deposit, "settled")
    trader.has("30.00")
    verified = lastro("audit", "verify", "--json")
    assert verified.status == 0, verified.said


def test_production_has_no_sandbox(lastro: Lastro) -> None:
    for command in (("up", "--port", "0"), ("sandbox", "settle", "x")):
        refused = lastro(*command, LASTRO_ENV="production", LASTRO_SANDBOX="true")
        assert refused.status == 2
        assert "sandbox is refused where env is production" in refused.errors
        assert not lastro.data.exists()
    none = lastro("sandbox", "settle", "x", LASTRO_ENV="production")
    assert (none.status, none.errors) == (2, "lastro: there is no sandbox here\n")


def _is_replaced(up: Running, died: int) -> bool:
    return up.child("worker") != died
