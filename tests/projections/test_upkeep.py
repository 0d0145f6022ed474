"""Looking after generations: killed rebuilds, models that broke, new models, and the way back."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

import pytest

from projections import generations
from projections.accounts import get_balances
from projections.generations import Definition, Generation, RebuildRefused, definition_of, list_generations
from projections.models import PROJECTIONS
from projections.rebuild import GenerationsDiffer, build, rebuild
from projections.reports import list_reports
from projections.standings import Standing, list_standings
from projections.switching import switch
from projections.upkeep import Upkeep
from tests.projections.house import BANK, House, projections_of, until

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[2]
ACCOUNTS, USERS, JOURNAL = (PROJECTIONS[name] for name in ("accounts", "users", "journal"))
BREAK = "UPDATE accounts_g1.balances SET units = units + 1 WHERE account = %s"


@pytest.fixture
def upkeep(house: House) -> Upkeep:
    return Upkeep(connect=house.connect_projector, store=house.store)


async def live_a_little(house: House) -> None:
    await house.open()
    ana = await house.user("ana")
    for cents in (100, 250, 1):
        await house.deposit(ana, cents)


@asynccontextmanager
async def followed(house: House) -> AsyncIterator[None]:
    """Let something happen, and have all models read it."""
    await live_a_little(house)
    async with projections_of(house.urls):
        await house.caught_up()
        yield


async def roles(house: House, name: str) -> list[tuple[int, str]]:
    return [(one.number, one.role) for one in await all_of(house, name)]


async def all_of(house: House, name: str) -> list[Generation]:
    async with house.projector.connection() as connection:
        return [one for one in await list_generations(connection) if one.name == name]


async def standing(house: House, schema: str) -> Standing:
    async with house.app.connection() as connection:
        found = await list_standings(connection, PROJECTIONS, head=await house.store.head())
    return next(one for one in found if f"{one.model}_g{one.generation}" == schema)


async def test_a_model_without_a_generation_is_built_whole_before_anybody_sees_it(house: House) -> None:
    await live_a_little(house)
    await rebuild([ACCOUNTS], connect=house.connect_projector, store=house.store)
    assert await roles(house, "accounts") == [(1, "live")]
    assert await house.execute("SELECT units FROM read.balances WHERE account = %s", BANK) == [(351,)]
    async with projections_of(house.urls):
        await house.post((BANK, 1), ("equity:owner", -1))
        await house.caught_up()
    assert await house.execute("SELECT units FROM read.balances WHERE account = %s", BANK) == [(352,)]


async def test_the_way_back_leads_to_rows_that_have_followed(house: House, upkeep: Upkeep) -> None:
    async with followed(house):
        await rebuild([ACCOUNTS], connect=house.connect_projector, store=house.store)
        await house.execute("UPDATE accounts_g2.balances SET units = 7")
        await house.post((BANK, 1), ("equity:owner", -1))
        await house.caught_up()
        await upkeep.roll_back([ACCOUNTS])
        assert await roles(house, "accounts") == [(1, "live"), (2, "retired")]
        await house.post((BANK, 1), ("equity:owner", -1))
        await house.caught_up()
        assert await house.execute("SELECT units FROM read.balances WHERE account = %s", BANK) == [(353,)]


async def test_there_is_no_way_back_once_it_was_dropped(house: House, upkeep: Upkeep) -> None:
    async with followed(house):
        await rebuild([ACCOUNTS], connect=house.connect_projector, store=house.store)
        assert [one.schema for one in await upkeep.drop([ACCOUNTS])] == ["accounts_g1"]
        with pytest.raises(RebuildRefused):
            await upkeep.roll_back([ACCOUNTS])


async def test_for_one_tenant_nothing_is_done_between_generations_that_differ(house: House, upkeep: Upkeep) -> None:
    async with followed(house):
        await rebuild([ACCOUNTS], connect=house.connect_projector, store=house.store)
        await house.execute(BREAK, BANK)
        for act in (upkeep.roll_back, upkeep.drop):
            with pytest.raises(GenerationsDiffer):
                await act([ACCOUNTS], only_equal=True)
        assert await roles(house, "accounts") == [(1, "retired"), (2, "live")]
        (compared,) = await upkeep.compare([ACCOUNTS])
        assert {one.row["account"] for one in compared.differences} == {BANK}


async def test_what_differs_is_switched_to_when_an_operator_says_so(house: House, upkeep: Upkeep) -> None:
    async with followed(house):
        await house.execute(BREAK, BANK)
        with pytest.raises(GenerationsDiffer):
            await upkeep.rebuild([ACCOUNTS])
        assert (await standing(house, "accounts_g2")).state == "candidate"
        with pytest.raises(GenerationsDiffer):
            await upkeep.switch([ACCOUNTS])
        await upkeep.switch([ACCOUNTS], only_equal=False)
        assert await house.execute("SELECT units FROM read.balances WHERE account = %s", BANK) == [(351,)]


async def test_a_compared_generation_is_followed_again(house: House, upkeep: Upkeep) -> None:
    async with followed(house):
        await rebuild([ACCOUNTS], connect=house.connect_projector, store=house.store)
        (compared,) = await upkeep.compare([ACCOUNTS])
        assert (compared.other, compared.differences) == ("accounts_g1", [])
        await house.post((BANK, 1), ("equity:owner", -1))
        head = await house.caught_up()

        async def followed_again() -> bool:
            return [one.log_position for one in await all_of(house, "accounts")] == [head, head]

        await until(followed_again)


async def test_a_model_whose_tables_gained_a_column_is_rebuilt_and_compared_in_the_others(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with followed(house):
        pass
    old = definition_of("users")
    new = Definition(old.tables.replace("\n);", ",\n    nickname text\n);", 1), old.indexes, "new")
    monkeypatch.setattr(generations, "definition_of", lambda name: new if name == "users" else definition_of(name))
    await rebuild([USERS], connect=house.connect_projector, store=house.store)
    assert await house.execute("SELECT count(*) FROM read.users WHERE nickname IS NULL") == [(1,)]


async def test_a_worker_clears_away_what_a_killed_rebuild_left_and_keeps_candidates(house: House) -> None:
    async with followed(house):
        async with house.projector.connection() as connection, connection.transaction():
            await generations.create(connection, "users", role="building")
        await until(lambda: _is_gone(house))
        await build([JOURNAL], connect=house.connect_projector, store=house.store)
        await house.post((BANK, 1), ("equity:owner", -1))
        await house.caught_up()
        assert await roles(house, "journal") == [(1, "live"), (2, "building")]


async def _is_gone(house: House) -> bool:
    return await roles(house, "users") == [(1, "live")]


@pytest.mark.crash
async def test_a_rebuild_that_is_killed_leaves_readers_alone_and_the_next_begins_anew(house: House) -> None:
    """Killed with SIGKILL at the moment when half of the log is read and rows of it are in the new tables."""
    await live_a_little(house)
    for _ in range(20):
        await house.post((BANK, 1), ("equity:owner", -1))
    async with projections_of(house.urls):
        await house.caught_up()
    command = [sys.executable, "-m", "tests.projections.rebuilder", json.dumps(asdict(house.urls))]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"half\n"
        with pytest.raises(RebuildRefused):
            await rebuild([ACCOUNTS], connect=house.connect_projector, store=house.store)
        assert (await standing(house, "journal_g2")).state == "building"
        assert await house.execute("SELECT count(*) > 0 FROM journal_g2.entries") == [(True,)]
        await until(lambda: _is_shared(house))
    finally:
        process.kill()
        await process.communicate()
    assert process.returncode == -signal.SIGKILL
    await until(lambda: _is_left_by_all(house))
    assert await roles(house, "journal") == [(1, "live"), (2, "building")]
    await until(lambda: _is_abandoned(house))
    assert await house.execute("SELECT count(*) FROM read.entries") == [(23,)]
    async with projections_of(house.urls):
        await until(lambda: _is_cleared(house))
        await rebuild([ACCOUNTS, JOURNAL], connect=house.connect_projector, store=house.store)
    assert await roles(house, "journal") == [(1, "retired"), (2, "live")]


async def _is_shared(house: House) -> bool:
    """Say whether the other process folds its share."""
    query = "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'lastro-folding'"
    return await house.execute(query) == [(True,)]


async def _is_left_by_all(house: House) -> bool:
    return not await _is_shared(house)


async def _is_abandoned(house: House) -> bool:
    return (await standing(house, "journal_g2")).state == "abandoned"


async def _is_cleared(house: House) -> bool:
    return await roles(house, "journal") == [(1, "live")]


async def test_what_a_dropped_generation_said_is_forgotten(house: House, upkeep: Upkeep) -> None:
    async with followed(house):
        await rebuild([ACCOUNTS], connect=house.connect_projector, store=house.store)
        await until(lambda: _reported(house, "accounts_g1"))
        await until(lambda: _reported(house, "accounts_g2"))
        await upkeep.drop([ACCOUNTS])

        async def forgotten() -> bool:
            return not await _reported(house, "accounts_g1")

        await until(forgotten)
        assert await _reported(house, "accounts_g2")


async def _reported(house: House, schema: str) -> bool:
    async with house.app.connection() as connection:
        return schema in {one.name for one in await list_reports(connection)}


async def test_under_a_long_report_the_live_model_goes_on_and_readers_wait_for_no_switch(house: House) -> None:
    async with followed(house):
        (candidate,) = await build([ACCOUNTS], connect=house.connect_projector, store=house.store)
        async with house.reading() as report:
            await get_balances(report, BANK)
            switching = asyncio.create_task(
                switch(ACCOUNTS, candidate, connect=house.connect_projector, store=house.store)
            )
            for cents in range(1, 11):
                await house.post((BANK, cents), ("equity:owner", -cents))
                head = await house.caught_up("accounts")
                async with house.reading() as connection:
                    assert (await get_balances(connection, BANK)).log_position >= head
                    assert not await waiting_for_a_view(house)
            assert not switching.done()
            assert (await get_balances(report, BANK)).value.amounts[0].units == 351
        await switching
        assert await roles(house, "accounts") == [(1, "retired"), (2, "live")]
        assert await house.execute("SELECT units FROM read.balances WHERE account = %s", BANK) == [(351 + 55,)]


async def waiting_for_a_view(house: House) -> bool:
    """Say whether somebody asks to change a view that readers hold: all who come later would wait behind that."""
    rows = await house.execute(
        "SELECT FROM pg_locks AS l INNER JOIN pg_class AS c ON c.oid = l.relation "
        "WHERE NOT l.granted AND c.relkind = 'v' "
        "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    return bool(rows)
