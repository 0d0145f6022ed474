"""What an API process and the worker do about a deposit, step by step, as a program that stands still at one of them.

`python -m tests.interfaces.payments.paying APP_URL STRIPE_URL ACT STEP` does an act, says "at STEP" before or after a
command or a request to the provider when it has got that far, and waits there until it is killed.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

from application.commands import Done
from application.committer import Committer
from application.deposits import ask_for_payment
from application.open_withdrawals import OpenWithdrawalsOf
from application.policies.payments import PaymentsPolicy
from application.ports import PaymentRequest, Payments, ProviderEvent, RefundRequest
from application.provider_facts import Home
from application.refunds import ask_for_refund
from domain.payments import ObjectKind, PaymentFact, ProviderFact, RefundFact
from interfaces.clock import SystemClock
from interfaces.payments.stripe import NAME, StripePayments
from interfaces.postgres.configuration import Urls
from tests.application import funded
from tests.application.people import FINANCE
from tests.application.policies.welcome import Stepping, runner_of
from tests.application.world import TENANT, an_id, committing, envelope
from tests.domain.ledger.entries import USER
from tests.interfaces.payments.stripe_server import API_KEY, SECRET

T = TypeVar("T")
Pause = Callable[[int], Awaitable[None]]


class Steps:
    """Counts the steps of a process, over everything that takes some, and pauses at each."""

    def __init__(self, pause: Pause) -> None:
        self._pause = pause
        self._reached = 0

    async def at(self, _: int = 0) -> None:
        self._reached += 1
        await self._pause(self._reached)


class SteppingPayments:
    """A provider that takes a step before and after each request to it."""

    def __init__(self, inner: Payments, steps: Steps) -> None:
        self.name = inner.name
        self._inner = inner
        self._steps = steps

    async def create_payment(self, request: PaymentRequest) -> PaymentFact:
        return await self._around(self._inner.create_payment(request))

    async def create_refund(self, request: RefundRequest) -> RefundFact:
        return await self._around(self._inner.create_refund(request))

    async def client_secret(self, payment: str) -> str:
        return await self._around(self._inner.client_secret(payment))

    async def get(self, kind: ObjectKind, object_id: str) -> ProviderFact | None:
        return await self._around(self._inner.get(kind, object_id))

    async def find_payment(self, tenant: str, deposit: str) -> PaymentFact | None:
        return await self._around(self._inner.find_payment(tenant, deposit))

    async def find_refund(self, tenant: str, refund: str, *, payment: str) -> RefundFact | None:
        return await self._around(self._inner.find_refund(tenant, refund, payment=payment))

    def verify(self, body: bytes, headers: Mapping[str, str]) -> ProviderEvent:
        return self._inner.verify(body, headers)

    async def _around(self, request: Awaitable[T]) -> T:
        await self._steps.at()
        answered = await request
        await self._steps.at()
        return answered


async def never(_: int) -> None:
    """Pause nowhere."""


@asynccontextmanager
async def stripe(url: str) -> AsyncIterator[StripePayments]:
    made = StripePayments(api_key=API_KEY, webhook_secret=SECRET, api_base=url, timeout_s=60)
    try:
        yield made
    finally:
        await made.close()


async def pay_in(app_url: str, stripe_url: str, *, pause: Pause = never) -> Done:
    """Do what a request for a deposit does."""
    steps = Steps(pause)
    async with committing(_urls(app_url)) as inner, stripe(stripe_url) as provider:
        committer = Stepping(inner, steps.at)
        (await committer.submit(funded.asked("d", "100.00"))).accepted()
        asked = envelope("deposit d", actor=USER)
        providers = {NAME: SteppingPayments(provider, steps)}
        return await ask_for_payment(committer, providers, asked, deposit=funded.deposit_id("d"))


async def pay_back(app_url: str, stripe_url: str, *, pause: Pause = never) -> Done:
    """Do what a request for a refund of all of that deposit does."""
    steps = Steps(pause)
    async with committing(_urls(app_url)) as inner, stripe(stripe_url) as provider:
        committer = Stepping(inner, steps.at)
        known = (await inner.state(f"{TENANT}:deposit-{funded.deposit_id('d')}")).state
        (await committer.submit(funded.refunded("r", known))).accepted()
        providers = {NAME: SteppingPayments(provider, steps)}
        asked = envelope("refund r", actor=FINANCE)
        return await ask_for_refund(committer, providers, asked, refund=an_id("refund r"))


async def follow(app_url: str, stripe_url: str, *, pause: Pause = never, until_at: int | None = None) -> None:
    """Follow the log as the worker does, for ever or up to a log position."""
    steps, urls = Steps(pause), _urls(app_url)
    async with stripe(stripe_url) as provider:

        def policy(committer: Committer) -> PaymentsPolicy:
            return PaymentsPolicy(
                committer=committer,
                providers={NAME: SteppingPayments(provider, steps)},
                clock=SystemClock(),
                home=Home(tenant=TENANT, bank="main"),
                open_withdrawals=OpenWithdrawalsOf(committer),
            )

        async with runner_of(policy, urls, wrap=lambda inner: Stepping(inner, steps.at)) as runner:
            running = asyncio.create_task(runner.run())
            while until_at is None or runner.progress.log_position < until_at:
                done, _ = await asyncio.wait({running}, timeout=0.01)
                for task in done:
                    task.result()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


ACTS: Mapping[str, Callable[..., Awaitable[object]]] = {"pay_in": pay_in, "pay_back": pay_back, "follow": follow}


def _urls(app_url: str) -> Urls:
    return Urls(owner="", app=app_url, projector="")


async def stand_still(app_url: str, stripe_url: str, *, act: str, step: int) -> None:
    """Do an act up to a step."""

    async def pause(reached: int) -> None:
        if reached == step:
            print(f"at {reached}", flush=True)  # noqa: T201 - this is how processes talk
            await asyncio.Event().wait()

    await ACTS[act](app_url, stripe_url, pause=pause)


if __name__ == "__main__":
    asyncio.run(stand_still(sys.argv[1], sys.argv[2], act=sys.argv[3], step=int(sys.argv[4])))
