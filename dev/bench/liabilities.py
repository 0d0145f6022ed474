"""Figures of the trees of what is owed to users: making one of 100 000 users, making the next, and a user's branch."""

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import TypeVar

from application.evidence.checkpoints import Checkpoint
from application.evidence.liabilities import Cut, cut_of
from application.evidence.liability_cuts import find_branch, store_cut, take_cut
from application.evidence.trees import Tree
from application.store import Connection, Store, speak_hex_ids
from dev.bench.figures import Better, Figure, Report, percentile
from dev.bench.world import TENANT, add_users, committing, fresh_server, posting_many
from domain.liabilities.sums import Sums
from interfaces.postgres import connections
from interfaces.postgres.configuration import Urls
from interfaces.postgres.connections import reading
from interfaces.postgres.vault_crypto import VaultKeys, new_key

T = TypeVar("T")

USERS = 100_000
FEW = 50
ENTRIES, BULK = 20_000, 200
BRANCHES = 200
MOST_S = 10
KEYS = VaultKeys.derive(new_key())


def measure() -> Report:
    """Measure the trees; nothing else may run on the machine meanwhile."""
    report = Report("liabilities")
    report.conditions["users"] = f"{USERS:,} of one tenant, two assets each"
    with fresh_server() as urls:
        asyncio.run(_measure(urls, report))
    return report


async def _measure(urls: Urls, report: Report) -> None:
    head = await _fill(urls)
    async with connections.pool(urls.app, name="bench-liabilities", size=2, configure=speak_hex_ids) as pool:
        async with pool.connection() as connection, connection.transaction():
            _, seconds = await _timed(take_cut(connection, KEYS, log_position=head))
            report.add(Figure(name="entries read for a tree", value=ENTRIES / seconds, unit="entries/s"))
            chance = random.Random(7)
            owed: dict[str, Sums] = {}
            for _ in range(USERS):
                owed[uuid.uuid4().hex] = {"BTC/18": chance.randint(1, 10**20), "USD/2": chance.randint(1, 10**9)}
            started = time.perf_counter()
            cut = cut_of({TENANT: owed}, KEYS, log_position=head)
            _add(report, "tree made", time.perf_counter() - started)
            await _sign(connection, cut)
            _, seconds = await _timed(store_cut(connection, cut, checkpoint=1, key="bench"))
            _add(report, "tree stored", seconds)
        async with pool.connection() as connection, connection.transaction():
            _, seconds = await _timed(take_cut(connection, KEYS, log_position=head))
            _add(report, "next tree, with the last one read and checked", seconds)
        times = []
        for user in chance.sample(list(owed), BRANCHES):
            async with reading(pool, TENANT) as connection:
                branch, seconds = await _timed(find_branch(connection, KEYS, tenant=TENANT, user=user))
            assert branch is not None
            assert branch.root[1] == cut.root
            times.append(1_000 * seconds)
        report.add(Figure(name="a user's branch, p99", value=percentile(times, 0.99), unit="ms"))


def _add(report: Report, name: str, seconds: float) -> None:
    report.add(Figure(name=name, value=seconds, unit="s", target=MOST_S, better=Better.LESS))


async def _fill(urls: Urls) -> int:
    """Post entries for a few users; return the log's head."""
    async with committing(urls) as committer:
        users = await add_users(committer, FEW)
        for _ in range(ENTRIES // BULK):
            command = posting_many(random.choices(users, k=BULK), uuid.uuid4().hex)
            (await committer.submit(command)).accepted()
    async with connections.pool(urls.app, name="bench-head", size=1, configure=speak_hex_ids) as pool:
        return await Store(pool).head()


async def _sign(connection: Connection, cut: Cut) -> None:
    """Put a checkpoint over the cut, as the follower does; nobody looks at its signature here."""
    head = Tree().head
    checkpoint = Checkpoint(
        origin="bench",
        events=type(head)(size=cut.log_position, root=head.root, chain=head.chain),
        receipts=head,
        signed_at=datetime.now(UTC),
        liabilities=cut.root,
    )
    tail = bytes(32 * (cut.log_position % 256))
    row = cut.log_position, tail, f"{checkpoint.text}\n— bench unsigned\n"
    await connection.execute("INSERT INTO evidence.checkpoints VALUES (1, %s, 0, %s, '', %s)", row)


async def _timed(doing: Awaitable[T]) -> tuple[T, float]:
    started = time.perf_counter()
    result = await doing
    return result, time.perf_counter() - started
