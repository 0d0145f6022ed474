"""The runner: leases, epochs, loud stops, and rows that are committed with their cursor or not at all."""

import asyncio
import json
import random
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors

from application import streams
from application.commands import Body, Command
from application.store import Connection
from application.work import Work, Written
from domain.ids import ConnectionId, OrderId
from domain.instruments import InstrumentId
from domain.orders.events import OrderFilled
from domain.orders.terms import Liquidity, Side, Standing
from domain.orders.transitions import Status
from interfaces.postgres.configuration import Urls
from projections.follower import Follower, Overtaken, Progress
from projections.generations import Generation, ensure_generations, list_generations
from projections.models import PROJECTIONS
from projections.reader import Fact, Slice
from projections.reports import Reported, list_reports
from tests.projections.house import BANK, House, coins, name, projections_of, until, wallet

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[2]


async def generations(house: House) -> dict[str, Generation]:
    async with house.projector.connection() as connection:
        return {generation.name: generation for generation in await list_generations(connection)}


async def reports(house: House) -> dict[str, Reported]:
    async with house.app.connection() as connection:
        return {report.name: report for report in await list_reports(connection)}


async def balances(house: House) -> dict[tuple[str, str], int]:
    rows = await house.execute("SELECT account, asset, units FROM read.balances")
    return {(account, asset): int(units) for account, asset, units in rows}


async def summed_from_the_log(house: House) -> dict[tuple[str, str], int]:
    """Add up every posting of the log, with dictionaries and nothing else."""
    sums: dict[tuple[str, str], int] = {}
    rows = await house.execute("SELECT state FROM log.events WHERE topic = 'ledger.entry_posted.v1'")
    for (state,) in rows:
        for posting in json.loads(state)["entry"]["postings"]:
            key = posting["account"], posting["asset"]
            sums[key] = sums.get(key, 0) + int(posting["amount"].replace(".", ""))
    return sums


@pytest.fixture
async def opened(house: House) -> House:
    await house.open()
    return house


async def test_the_first_start_makes_a_live_generation_of_every_model(opened: House) -> None:
    async with projections_of(opened.urls):
        head = await opened.caught_up()
    made = await generations(opened)
    assert made.keys() == PROJECTIONS.keys()
    assert {(one.number, one.role, one.log_position) for one in made.values()} == {(1, "live", head)}


async def test_balances_follow_the_log_as_it_grows(opened: House) -> None:
    ana = await opened.user("ana")
    async with projections_of(opened.urls):
        for cents in (100, 250, 1):
            await opened.deposit(ana, cents)
            await opened.caught_up()
            assert await balances(opened) == await summed_from_the_log(opened)
    assert await balances(opened) == {(BANK, "USD"): 351, (wallet(ana), "USD"): -351}


async def test_a_model_without_news_still_moves_its_cursor(opened: House) -> None:
    async with projections_of(opened.urls):
        await opened.post((BANK, 5), ("equity:owner", -5))
        head = await opened.caught_up("users", "orders")
        assert (await generations(opened))["users"].log_position == head


async def test_two_processes_share_the_models_and_one_takes_over_what_the_other_leaves(opened: House) -> None:
    async with projections_of(opened.urls) as first:
        await opened.caught_up()
        async with projections_of(opened.urls) as second:
            await opened.post((BANK, 5), ("equity:owner", -5))
            await opened.caught_up()
            assert first.progress.keys() == {f"{name}_g1" for name in PROJECTIONS}
            assert not second.progress
    async with projections_of(opened.urls) as third:
        await opened.post((BANK, 7), ("equity:owner", -7))
        await opened.caught_up()
        await until(lambda: third.progress.keys() == {f"{name}_g1" for name in PROJECTIONS})
    assert await balances(opened) == {(BANK, "USD"): 12, ("equity:owner", "USD"): -12}


@pytest.fixture
async def accounts(opened: House) -> "Accounts":
    """The accounts model without a runner, to be followed by hand."""
    async with opened.projector.connection() as connection:
        await ensure_generations(connection, ["accounts"])
    return Accounts(opened)


class Accounts:
    def __init__(self, house: House) -> None:
        self.house = house
        self.connections: list[Connection] = []

    async def follower(self) -> Follower:
        connection = await self.house.connect_projector()
        self.connections.append(connection)
        generation = (await generations(self.house))["accounts"]
        return Follower(PROJECTIONS["accounts"], generation, connection=connection, progress=Progress(0))

    async def whole_log(self) -> Slice:
        batch = await self.house.store.read_after(0, limit=1_000)
        return Slice([Fact(recorded) for recorded in batch.events], batch.end)

    async def close(self) -> None:
        for connection in self.connections:
            await connection.close()


async def test_whoever_takes_a_generation_shuts_out_whoever_had_it(accounts: Accounts) -> None:
    await accounts.house.post((BANK, 5), ("equity:owner", -5))
    log = await accounts.whole_log()
    first, second = await accounts.follower(), await accounts.follower()
    await first.take()
    await second.take()
    with pytest.raises(Overtaken):
        await first.apply(log)
    await second.apply(log)
    assert await balances(accounts.house) == {(BANK, "USD"): 5, ("equity:owner", "USD"): -5}
    await accounts.close()


async def test_a_batch_whose_cursor_has_moved_is_not_applied_again(accounts: Accounts) -> None:
    await accounts.house.post((BANK, 5), ("equity:owner", -5))
    log = await accounts.whole_log()
    follower = await accounts.follower()
    await follower.take()
    await follower.apply(log)
    follower.progress.log_position = 0
    with pytest.raises(Overtaken):
        await follower.apply(log)
    assert await balances(accounts.house) == {(BANK, "USD"): 5, ("equity:owner", "USD"): -5}
    await accounts.close()


async def test_two_runners_that_both_believe_they_have_the_lease_apply_nothing_twice(opened: House) -> None:
    """Advisory locks are given away behind the first runner's back, as if its connection had died unnoticed."""
    async with projections_of(opened.urls) as first:
        await opened.caught_up()
        await opened.execute(
            "SELECT pg_terminate_backend(l.pid) FROM pg_locks AS l WHERE l.locktype = 'advisory' AND l.granted "
            "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        async with projections_of(opened.urls) as second:
            for _ in range(200):
                await opened.post((BANK, 1), ("equity:owner", -1))
            await opened.caught_up()
            await until(lambda: len(first.progress) + len(second.progress) == len(PROJECTIONS))
    assert await balances(opened) == await summed_from_the_log(opened)


async def test_a_lost_lease_connection_stops_the_work_until_there_is_a_new_one(opened: House) -> None:
    async with projections_of(opened.urls) as runner:
        await opened.caught_up()
        before = (await generations(opened))["accounts"].epoch
        await opened.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'projections' "
            "AND datname = current_database()"
        )
        await opened.post((BANK, 5), ("equity:owner", -5))
        await opened.caught_up()
        assert (await generations(opened))["accounts"].epoch > before
        assert not any(progress.error for progress in runner.progress.values())


def a_fill_of_no_order(house: House) -> Command:
    """Return a command that no rule would allow: a fill in the log whose order never was."""
    order = OrderId(name("order that never was"))
    event = OrderFilled(
        order=order,
        connection=ConnectionId(name("connection")),
        instrument=InstrumentId("btc-usdt"),
        strategy=None,
        side=Side.BUY,
        trade_id="1",
        quantity=coins(1, "BTC"),
        price=coins(1, "USDT"),
        cost=coins(1, "USDT"),
        fee=coins(0, "USDT"),
        liquidity=Liquidity.TAKER,
        status=Status.FILLED,
        standing=Standing.REGULAR,
        occurred_at=house.now,
    )
    stream = streams.order(house.tenant, order)

    def decide(work: Work) -> Body:
        work.written.append(Written(stream, 1, event))
        return {}

    return Command(name="break_orders", envelope=house.envelope(), reads=(stream,), decide=decide)


async def test_an_append_that_cannot_be_applied_stops_its_model_loudly_and_no_other(opened: House) -> None:
    async with projections_of(opened.urls) as runner:
        await opened.caught_up()
        done = await opened.committer.submit(a_fill_of_no_order(opened))
        bad = done.receipt.last_log_position
        assert bad is not None
        await until(lambda: runner.progress["orders_g1"].error is not None)
        await opened.post((BANK, 5), ("equity:owner", -5))
        await opened.caught_up(*(PROJECTIONS.keys() - {"orders"}))

        async def reported() -> bool:
            return "orders_g1" in (found := await reports(opened)) and found["orders_g1"].state == "stopped"

        await until(reported)
        stopped = (await reports(opened))["orders_g1"]
        assert stopped.error is not None
        assert f"append {bad} to {bad}" in stopped.error
        assert stopped.log_position == (await generations(opened))["orders"].log_position == bad - 1
        assert {report.state for report in (await reports(opened)).values() if report.name != "orders_g1"} == {
            "running"
        }
    assert await opened.execute("SELECT trade_id FROM read.fills") == [("1",)]


async def test_everything_before_the_append_that_cannot_be_applied_is_applied(opened: House) -> None:
    ana = await opened.user("ana")
    connection = await opened.connection(ana)
    await opened.order(ana, connection, side=Side.BUY)
    done = await opened.committer.submit(a_fill_of_no_order(opened))
    await opened.order(ana, connection, side=Side.SELL)
    async with projections_of(opened.urls) as runner:
        await opened.caught_up(*(PROJECTIONS.keys() - {"orders"}))
        await until(lambda: runner.progress["orders_g1"].error is not None)
    assert done.receipt.last_log_position is not None
    assert (await generations(opened))["orders"].log_position == done.receipt.last_log_position - 1
    assert await opened.execute("SELECT side, status FROM read.orders") == [("buy", "SUBMITTED")]


async def test_an_event_that_cannot_be_decoded_stops_only_the_models_that_handle_it(opened: House) -> None:
    with psycopg.connect(opened.urls.owner) as owner:
        owner.execute(
            "INSERT INTO log.events SELECT 'acme:user-x', 1, 'user.registered.v1', '{\"user\": 1}', "
            "max(notification_id) + 1, gen_random_uuid(), 'acme', 'x', gen_random_uuid(), gen_random_uuid(), NULL, "
            "max(append_id) + 1, 1, 1, now() FROM log.events"
        )
    async with projections_of(opened.urls) as runner:
        await opened.caught_up(*(PROJECTIONS.keys() - {"users"}))
        await until(lambda: runner.progress["users_g1"].error is not None)
        assert "CannotDecode" in str(runner.progress["users_g1"].error)
        assert [schema for schema, progress in runner.progress.items() if progress.error] == ["users_g1"]


async def test_a_log_that_ends_before_the_cursor_stops_the_model(opened: House) -> None:
    async with projections_of(opened.urls):
        head = await opened.caught_up()
    await opened.execute(
        "UPDATE projection.generations SET log_position = %s WHERE name = 'users' RETURNING name", head + 10
    )
    async with projections_of(opened.urls) as runner:
        await until(lambda: "users_g1" in runner.progress and runner.progress["users_g1"].error)
        assert "NewLogEpoch" in str(runner.progress["users_g1"].error)
        await opened.post((BANK, 5), ("equity:owner", -5))
        await opened.caught_up("accounts")


async def test_tables_of_another_definition_are_not_written(opened: House) -> None:
    async with projections_of(opened.urls):
        await opened.caught_up()
    await opened.execute("UPDATE projection.generations SET definition = 'older' WHERE name = 'users' RETURNING name")
    async with projections_of(opened.urls) as runner:
        await until(lambda: "users_g1" in runner.progress and runner.progress["users_g1"].error)
        assert "rebuild it" in str(runner.progress["users_g1"].error)


async def test_a_running_model_reports_how_far_it_is(opened: House) -> None:
    async with projections_of(opened.urls):
        head = await opened.caught_up()

        async def all_reported() -> bool:
            found = await reports(opened)
            return {report.log_position for report in found.values()} == {head} and len(found) == len(PROJECTIONS)

        await until(all_reported)
        assert not any(report.silent for report in (await reports(opened)).values())


async def test_the_journal_refuses_an_entry_that_does_not_balance(opened: House) -> None:
    async with projections_of(opened.urls):
        await opened.caught_up()
    lines = [("acme", 1, 1, BANK, "USD", 5), ("acme", 1, 2, "memo:bonus:issued", "USD", -5)]
    for postings in (lines, lines[:1], [("acme", 1, 1, BANK, "USD", 5), ("acme", 1, 2, BANK, "EUR", -5)]):
        with pytest.raises(errors.CheckViolation):
            await insert_postings(opened, postings)
    await insert_postings(opened, [lines[0], ("acme", 1, 2, "equity:owner", "USD", -5)])


async def insert_postings(house: House, lines: Sequence[tuple[Any, ...]]) -> None:
    names = ("tenant", "log_position", "line", "account", "asset", "units")
    rows = [{**dict(zip(names, line, strict=True)), "scale": 2, "effective_at": "2026-01-01Z"} for line in lines]
    await house.execute(
        "INSERT INTO journal_g1.postings SELECT * FROM json_populate_recordset(NULL::journal_g1.postings, %s::json)",
        json.dumps(rows),
    )


@pytest.mark.crash
async def test_a_worker_killed_at_any_moment_loses_nothing_and_applies_nothing_twice(opened: House) -> None:
    ana = await opened.user("ana")
    chance = random.Random(7)
    stop = asyncio.Event()

    async def keep_posting() -> None:
        while not stop.is_set():
            await asyncio.gather(*(opened.deposit(ana, 1) for _ in range(20)))
            await asyncio.sleep(0.05)

    posting = asyncio.create_task(keep_posting())
    for _ in range(5):
        worker = start_worker(opened.urls)
        try:
            await journal_moves(opened)
            await asyncio.sleep(chance.uniform(0.0, 0.15))
        finally:
            worker.send_signal(signal.SIGKILL)
            worker.communicate()
    stop.set()
    await posting
    async with projections_of(opened.urls):
        await opened.caught_up()
    assert await balances(opened) == await summed_from_the_log(opened)
    posted = await opened.execute("SELECT count(*), count(DISTINCT log_position) FROM read.entries")
    logged = await opened.execute("SELECT count(*) FROM log.events WHERE topic = 'ledger.entry_posted.v1'")
    assert posted == [logged[0] * 2]


def start_worker(urls: Urls) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.projections.worker", json.dumps(asdict(urls))]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


async def cursor_of(house: House, model: str) -> int:
    found = await generations(house)
    return found[model].log_position if model in found else 0


async def journal_moves(house: House) -> None:
    before = await cursor_of(house, "journal")

    async def has_moved() -> bool:
        return await cursor_of(house, "journal") > before

    await until(has_moved)
