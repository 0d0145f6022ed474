"""A process killed before or after any append of a withdrawal, and asked again, has done it once."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from application import streams
from application.committer import Committer
from application.store import Store
from domain.ledger.accounts import Bucket, available, held
from domain.ledger.book import Book
from interfaces.postgres.configuration import Urls
from tests.application.paying_out import BEFORE, do
from tests.application.withdrawing import STAFF, destined
from tests.application.world import BOOK, TENANT, an_id, committing, deposit, reading
from tests.domain.ledger.entries import USER, amount

pytestmark = [pytest.mark.anyio, pytest.mark.crash]

ROOT = Path(__file__).parents[2]
STREAM = streams.withdrawal(TENANT, an_id("w"))
USD = amount("0.00", "USD").asset
HOLDS = {"request": ("50.00", "50.00"), "approve": ("50.00", "0.00"), "pay": ("50.00", "0.00")}
"""What is available and on hold after an act; after any other all is as it was."""


@pytest.fixture
async def committer(database: Urls) -> AsyncIterator[Committer]:
    async with committing(database) as started:
        for command in (*STAFF, deposit("d", "100.00"), destined()):
            (await started.submit(command)).accepted()
        yield started


@pytest.fixture
async def store(database: Urls) -> AsyncIterator[Store]:
    async with reading(database) as opened:
        yield opened


async def killed(database: Urls, *, act: str, step: int) -> None:
    """Do an act in a process of its own, and kill it at a step."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.application.paying_out", database.app, act, str(step), cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert await process.stdout.readline() == f"at {step}\n".encode()
    process.kill()
    await process.wait()


@pytest.mark.parametrize("step", [1, 2], ids=["before its append", "after its append"])
@pytest.mark.parametrize("act", BEFORE)
async def test_an_act_killed_and_repeated_is_done_once(
    *, database: Urls, committer: Committer, store: Store, act: str, step: int
) -> None:
    for earlier in BEFORE[act]:
        (await do(committer, earlier)).accepted()
    await killed(database, act=act, step=step)
    assert len(await store.read_stream(STREAM)) == len(BEFORE[act]) + step - 1
    async with committing(database) as another:
        again = await do(another, act)
        once_more = await do(another, act)
    assert (again.replayed, once_more.replayed) == (step == 2, True)
    assert again.accepted() == once_more.accepted()
    assert len(await store.read_stream(STREAM)) == len(BEFORE[act]) + 1
    book = (await committer.state(BOOK)).state
    assert isinstance(book, Book)
    wallets = (available(USER, Bucket.REAL), held(USER, Bucket.REAL))
    shown = tuple(str(-book.balance(account, USD)).removesuffix(" USD") for account in wallets)
    assert shown == HOLDS.get(act, ("100.00", "0.00"))
