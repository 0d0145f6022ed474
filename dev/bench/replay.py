"""Figures of replay: `audit verify` over a log with its read models, its ledger part, and a position's fold."""

import asyncio
import random
import time
import uuid

import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from application.committer import Committer
from application.evidence.follower import Evidence
from application.store import Connection, Store, speak_hex_ids
from application.wakeup import Wakeup
from dev.bench.figures import Figure, Report
from dev.bench.world import add_users, committing, fresh_server, posting_many
from domain.instruments import UNIT
from domain.positions.fold import after, steps
from interfaces.audit.evidence import Seals
from interfaces.audit.ledger import check_ledger
from interfaces.audit.notary import FileNotary
from interfaces.audit.snapshot import open_snapshot
from interfaces.audit.verify import verify
from interfaces.clock import SystemClock
from interfaces.collecting import uncollected
from interfaces.postgres import connections
from interfaces.postgres.configuration import Urls
from projections.runner import ProjectionRunner

ENTRIES = 120_000
BULK = 200
USERS = 500
CALLERS = 8
FILLS = 200_000
NOTARY = FileNotary(Ed25519PrivateKey.generate())


def measure() -> Report:
    """Measure replay; nothing else may run on the machine meanwhile."""
    report = Report("replay")
    with fresh_server() as urls:
        uvloop.run(_fill(urls))
        verified = verify(urls.projector, seals=Seals(key=NOTARY.key))
        assert verified.is_sound, verified.findings
        report.add(Figure(name="audit verify, whole", value=verified.events_per_s, unit="events/s", target=50_000))
        report.conditions["events"] = f"{verified.log_position:,}"
        report.conditions["evidence"] = "all sealed and signed"
        report.conditions["processes"] = "2, on one exported snapshot"
        report.add(Figure(name="its ledger part", value=_ledger_rate(urls), unit="entries/s", target=150_000))
    report.add(Figure(name="position fold", value=_fold_rate(), unit="fills/s", target=100_000))
    return report


async def _fill(urls: Urls) -> None:
    """Post entries in bulk, with the read models following, until both are at the end; then seal them."""

    async def connecting() -> Connection:
        return await connections.connect(urls.projector, name="bench-projections")

    async with (
        connections.pool(urls.projector, name="bench-projections", size=4, configure=speak_hex_ids) as source,
        committing(urls) as committer,
    ):
        wakeup = Wakeup(connecting, "lastro_log")
        await wakeup.start()
        runner = ProjectionRunner(connect=connecting, store=Store(source), wakeup=wakeup)
        following = asyncio.create_task(runner.run())
        users = await add_users(committer, USERS)
        keys = iter(range(ENTRIES // BULK))

        async def caller() -> None:
            for _ in keys:
                command = posting_many(random.choices(users, k=BULK), uuid.uuid4().hex)
                (await committer.submit(command)).accepted()

        await asyncio.gather(*(caller() for _ in range(CALLERS)))
        await _until_followed(runner, committer)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await wakeup.stop()
    async with connections.pool(urls.app, name="bench-evidence", size=1, configure=speak_hex_ids) as pool:
        await Evidence(pool=pool, notary=NOTARY, clock=SystemClock()).seal()


async def _until_followed(runner: ProjectionRunner, committer: Committer) -> None:
    while True:
        await asyncio.sleep(0.1)
        reached = [one.log_position for one in runner.progress.values()]
        if reached and min(reached) >= committer.head:
            return


def _ledger_rate(urls: Urls) -> float:
    with uncollected(), open_snapshot(urls.projector) as connection:  # as in the whole
        started = time.perf_counter()
        tallies = check_ledger(connection, None)
        seconds = time.perf_counter() - started
    return tallies["entries"].counts["entries"] / seconds


def _fold_rate() -> float:
    """Fold random fills of one position: integers, as the position's decider does."""
    chance = random.Random(7)
    fills = [(chance.choice((-1, 1)) * chance.randint(1, 5 * UNIT), chance.randint(90, 110)) for _ in range(FILLS)]
    quantity = cost = 0
    started = time.perf_counter()
    for change, price in fills:
        taken = steps(quantity, cost, change=change, value=change * price, spot=False)
        quantity, cost = after(quantity, cost, taken)
    return FILLS / (time.perf_counter() - started)
