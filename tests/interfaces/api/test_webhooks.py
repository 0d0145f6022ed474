"""A provider's message over HTTP: taken once when it is signed, harmless when repeated, and nothing when forged."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import httpx
import pytest
from pydantic_core import to_json
from standardwebhooks.webhooks import Webhook

from domain.payments import ProviderFact
from domain.users import Role
from interfaces.clock import SystemClock
from interfaces.payments.sandbox import SandboxPayments, SandboxRefuses
from interfaces.payments.sandbox_sender import SandboxSender
from interfaces.postgres.connections import Pool, pool
from interfaces.postgres.vault_crypto import VaultKeys
from tests.interfaces.api.callers import V1, Caller
from tests.interfaces.api.installation import House, Installation, until
from tests.interfaces.api.office import MASTER_KEY

T = TypeVar("T")

SECRET = VaultKeys.derive(MASTER_KEY).sandbox
WEBHOOK = f"{V1}/webhooks/sandbox"


class Outside:
    """What happens at the sandbox, and its messages to the API."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self.api = installation.apis[0]

    def act(self, deposit: str, act: Callable[[SandboxPayments, str], Awaitable[ProviderFact]]) -> ProviderFact:
        """Do something to what was made for a deposit or refund, and deliver the messages that wait."""

        async def done(source: Pool) -> ProviderFact:
            sandbox = SandboxPayments(source, SystemClock(), secret=SECRET)
            fact = await act(sandbox, await sandbox.id_of(deposit))
            sender = SandboxSender(source, url=str(self.api.base_url.join(WEBHOOK)), secret=SECRET)
            async with httpx.AsyncClient() as client:
                await sender.send(client)
            return fact

        return self._with_pool(done)

    def _with_pool(self, step: Callable[[Pool], Awaitable[T]]) -> T:
        async def run() -> T:
            async with pool(self._installation.urls.app, name="outside", size=1) as source:
                return await step(source)

        return self._installation.office.run(run())

    def tell(
        self, object_id: str, *, message: str = "msg_x", secret: bytes = SECRET, late_s: int = 0
    ) -> httpx.Response:
        """Send one message by hand."""
        body = to_json({"kind": "payment", "object": object_id}).decode()
        when = datetime.now(UTC) - timedelta(seconds=late_s)
        headers = {
            "content-type": "application/json",
            "webhook-id": message,
            "webhook-timestamp": str(int(when.timestamp())),
            "webhook-signature": Webhook(secret).sign(message, when, body),
        }
        return self.api.post(WEBHOOK, content=body, headers=headers)


@pytest.fixture
def outside(installation: Installation) -> Outside:
    return Outside(installation)


def deposited(trader: Caller, value: str = "100.00") -> str:
    answer = trader.post("deposits", {"amount": {"value": value, "asset": "USD"}})
    assert answer.status_code == 201, answer.text
    assert answer.json()["client_secret"]
    return str(answer.json()["id"])


def until_it_is(trader: Caller, deposit: str, status: str) -> dict[str, object]:
    def shown() -> httpx.Response:
        return trader.get(f"deposits/{deposit}")

    until(lambda: shown().status_code == 200 and shown().json()["status"] == status)
    answer: dict[str, object] = shown().json()
    return answer


def real(trader: Caller) -> str | None:
    """Return what is available in bucket real, in USD."""
    answer = trader.get("balances").json()["balances"]
    return next((one["value"] for one in answer if (one["bucket"], one["state"]) == ("real", "available")), None)


def test_a_deposit_is_settled_by_a_signed_message_and_its_fee_is_ours(outside: Outside, trader: Caller) -> None:
    deposit = deposited(trader)
    outside.act(deposit, lambda sandbox, id: sandbox.settle(id))
    shown = until_it_is(trader, deposit, "settled")
    assert shown["fee"] == {"value": "3.99", "asset": "USD"}
    until(lambda: real(trader) == "100.00")


def test_a_deposit_that_failed_books_nothing(outside: Outside, trader: Caller) -> None:
    deposit = deposited(trader)
    outside.act(deposit, lambda sandbox, id: sandbox.fail(id, "card_declined"))
    assert until_it_is(trader, deposit, "failed")["reason"] == "card_declined"
    assert real(trader) is None


def test_a_message_that_is_repeated_or_says_another_thing_books_nothing_twice(
    outside: Outside, house: House, trader: Caller
) -> None:
    deposit = deposited(trader)
    paid = outside.act(deposit, lambda sandbox, id: sandbox.settle(id))
    until_it_is(trader, deposit, "settled")
    until(lambda: real(trader) == "100.00")
    for message in ("msg_a", "msg_a", "msg_b"):
        assert outside.tell(paid.id, message=message).status_code == 200
    again = deposited(trader, "1.00")
    outside.act(again, lambda sandbox, id: sandbox.settle(id))
    until_it_is(trader, again, "settled")
    assert real(trader) == "101.00", "the messages before it were taken, and booked nothing"
    received = "SELECT count(*) FROM log.events WHERE topic = 'provider.event_received.v1' AND state LIKE %s"
    assert house.installation.office.sql(received, b'%"msg_a"%') == [(1,)]


def test_a_forged_message_is_refused_and_leaves_nothing(outside: Outside, house: House, trader: Caller) -> None:
    deposited(trader)
    head = house.head()
    for answer in (
        outside.tell("pay_x", secret=b"another secret of somebody else."),
        outside.tell("pay_x", late_s=301),
        outside.api.post(WEBHOOK, content=b"{}", headers={"content-type": "application/json"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (400, "forged_webhook")
    unknown = outside.api.post(f"{V1}/webhooks/nobody", json={})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_provider")
    assert house.head() == head


def test_a_chargeback_takes_the_money_back_and_winning_it_gives_it_back(outside: Outside, trader: Caller) -> None:
    deposit = deposited(trader)
    paid = outside.act(deposit, lambda sandbox, id: sandbox.settle(id))
    until(lambda: real(trader) == "100.00")
    dispute = outside.act(paid.id, lambda sandbox, id: sandbox.dispute(id))
    until(lambda: real(trader) in {None, "0.00"})
    outside.act(dispute.id, lambda sandbox, id: sandbox.close_dispute(id, won=True))
    until(lambda: real(trader) == "100.00")
    with pytest.raises(SandboxRefuses):
        outside.act(dispute.id, lambda sandbox, id: sandbox.close_dispute(id, won=False))


def test_a_refund_that_fails_at_the_provider_comes_back(outside: Outside, house: House, trader: Caller) -> None:
    deposit = deposited(trader)
    outside.act(deposit, lambda sandbox, id: sandbox.settle(id))
    until(lambda: real(trader) == "100.00")
    answer = house.the(Role.OPERATOR).post(
        "refunds", {"deposit_id": deposit, "amount": {"value": "30.00", "asset": "USD"}}
    )
    assert answer.status_code == 201, answer.text
    until(lambda: real(trader) == "70.00")
    outside.act(answer.json()["id"], lambda sandbox, id: sandbox.fail(id))
    until(lambda: real(trader) == "100.00")
