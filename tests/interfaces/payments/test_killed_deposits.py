"""A process killed at any point of a deposit, also between the answer and its append, changes nothing twice."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from application import streams
from application.commands import Command
from application.committer import Committer
from application.inbox import receive_provider_event
from application.ports import ProviderEvent
from application.store import Store
from domain.funding.deposit import Deposit
from domain.ledger.accounts import Bucket, available, held
from domain.ledger.book import Book
from domain.payments import ObjectKind
from interfaces.payments.stripe import NAME
from interfaces.postgres.configuration import Urls
from tests.application import funded
from tests.application.people import PEOPLE
from tests.application.world import TENANT, an_id, committing, envelope, reading
from tests.domain.funding.facts import usd
from tests.domain.ledger.entries import USER
from tests.interfaces.payments.paying import follow, pay_back, pay_in
from tests.interfaces.payments.stripe_server import StripeServer, stripe_server

pytestmark = [pytest.mark.anyio, pytest.mark.crash]

ROOT = Path(__file__).parents[3]
ASKING_STEPS = range(1, 7)
"""Before and after the intent is appended, the provider asked, and its answer appended."""
FOLLOWING_STEPS = range(1, 5)
"""Before and after the provider is asked and what it says appended."""
DEPOSIT = streams.deposit(TENANT, funded.deposit_id("d"))
REFUND = streams.refund(TENANT, an_id("refund r"))


@pytest.fixture
async def server() -> AsyncIterator[StripeServer]:
    async with stripe_server() as running:
        yield running


@pytest.fixture
async def committer(database: Urls) -> AsyncIterator[Committer]:
    async with committing(database) as started:
        yield started


@pytest.fixture
async def store(database: Urls) -> AsyncIterator[Store]:
    async with reading(database) as opened:
        yield opened


async def killed(database: Urls, server: StripeServer, *, act: str, step: int) -> None:
    """Do an act in a process of its own, and kill it at a step."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.interfaces.payments.paying", database.app, server.url, act, str(step), cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert await process.stdout.readline() == f"at {step}\n".encode()
    process.kill()
    await process.wait()


async def do(committer: Committer, *commands: Command) -> None:
    for command in commands:
        (await committer.submit(command)).accepted()


def made(server: StripeServer, kind: str) -> list[str]:
    return [id for id, one in server.objects.items() if one["object"] == kind]


def message(server: StripeServer, kind: ObjectKind, id: str) -> Command:
    event = ProviderEvent(provider=NAME, id=f"evt_{id}_{len(server.asked)}", kind=kind, object=id)
    return receive_provider_event(envelope(event.id, tenant="system"), event)


async def names(store: Store, stream: str) -> list[str]:
    return [event.name.split(".")[1] for event in await store.read_stream(stream)]


async def balances(database: Urls) -> tuple[str, str]:
    """Return what the user has available and on hold."""
    async with committing(database) as fresh:
        book = (await fresh.state(streams.book(TENANT, USER))).state
    assert isinstance(book, Book)
    asset = usd("0.00").asset
    return str(-book.balance(available(USER, Bucket.REAL), asset)), str(-book.balance(held(USER, Bucket.REAL), asset))


async def paid_in(database: Urls, server: StripeServer, committer: Committer, *, step: int | None = None) -> str:
    """Pay in; where a step is given, the worker that settles it is killed there. Return the payment."""
    await do(committer, *PEOPLE)
    await pay_in(database.app, server.url)
    (payment,) = made(server, "payment_intent")
    server.charge(payment, fee=399)
    await told(database, server, committer, message(server, ObjectKind.PAYMENT, payment), step=step)
    return payment


async def told(  # noqa: PLR0917 - the fixtures, then what is said
    database: Urls, server: StripeServer, committer: Committer, said: Command, *, step: int | None = None
) -> None:
    """Let the worker hear a message; where a step is given, one is killed there and another goes on."""
    await do(committer, said)
    if step is not None:
        await killed(database, server, act="follow", step=step)
    done = await committer.submit(said)
    await follow(database.app, server.url, until_at=done.receipt.last_log_position)


@pytest.mark.parametrize("step", ASKING_STEPS)
async def test_a_request_killed_at_any_step_and_repeated_makes_one_payment(
    *, database: Urls, server: StripeServer, committer: Committer, store: Store, step: int
) -> None:
    await do(committer, *PEOPLE)
    await killed(database, server, act="pay_in", step=step)
    answered = await pay_in(database.app, server.url)
    assert answered.body["status"] == "pending"
    assert len(made(server, "payment_intent")) == 1
    assert await names(store, DEPOSIT) == ["requested", "payment_created"]


@pytest.mark.parametrize("step", FOLLOWING_STEPS)
async def test_a_worker_killed_at_any_step_settles_the_deposit_once(
    *, database: Urls, server: StripeServer, committer: Committer, store: Store, step: int
) -> None:
    await paid_in(database, server, committer, step=step)
    assert await names(store, DEPOSIT) == ["requested", "payment_created", "settled"]
    assert await balances(database) == ("100.00 USD", "0.00 USD")


@pytest.mark.parametrize("step", ASKING_STEPS)
async def test_a_refund_killed_at_any_step_and_repeated_goes_back_once(
    *, database: Urls, server: StripeServer, committer: Committer, store: Store, step: int
) -> None:
    await paid_in(database, server, committer)
    await killed(database, server, act="pay_back", step=step)
    await pay_back(database.app, server.url)
    (refund,) = made(server, "refund")
    assert await names(store, REFUND) == ["requested", "accepted"]
    assert await balances(database) == ("0.00 USD", "100.00 USD")
    line = server.add("balance_transaction", amount=-10_000, currency="usd", fee=0)
    server.objects[refund] |= {"status": "succeeded", "balance_transaction": server.objects[line]}
    await told(database, server, committer, message(server, ObjectKind.REFUND, refund))
    assert await names(store, REFUND) == ["requested", "accepted", "settled"]
    assert await balances(database) == ("0.00 USD", "0.00 USD")
    state = (await committer.state(DEPOSIT)).state
    assert isinstance(state, Deposit)
    assert not state.left
