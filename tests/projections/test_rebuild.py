"""Rebuilds: equal to what was folded live, found out when not, and switched to under the eyes of readers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

import pytest
from psycopg import errors
from psycopg.sql import SQL, Identifier

from application.store import Connection
from domain.ids import UserId
from domain.orders.terms import Side
from domain.users import Role, SetRoles, SuspendUser
from interfaces.folding import folding_apart
from projections import accounts, generations, parts, switching
from projections.changes import Changes
from projections.comparison import Difference, compare
from projections.generations import Generation, RebuildRefused, list_generations
from projections.models import PROJECTIONS, Projection
from projections.rebuild import GenerationsDiffer, build, leased, rebuild
from projections.switching import switch
from tests.projections import cashier, till
from tests.projections.house import BANK, House, coins, projections_of, until

pytestmark = pytest.mark.anyio

ALL = tuple(PROJECTIONS.values())


async def live_a_little(house: House) -> None:
    """Let something happen in every model, some of it twice to the same row."""
    await house.open()
    for code in ("BTC", "USDT"):
        await house.asset(code)
    ana, bob = await house.user("ana"), await house.user("bob", roles=(Role.FINANCE, Role.VIEWER))
    await house.change(SuspendUser(user=bob, by="cli:test"))
    await house.change(SetRoles(user=bob, roles=(Role.VIEWER, Role.AUDITOR), by="cli:test"))
    await house.reverse(await house.deposit(ana, 5_000))
    await house.post((BANK, 10**15), ("equity:owner", -(10**15)), reference="capital", note="ü \"'\\ {},\N{SNOWMAN}")
    connection = await house.connection(ana)
    for side, price in ((Side.BUY, 30_000), (Side.BUY, 31_000), (Side.SELL, 33_333)):
        await house.fill(await house.order(ana, connection, side=side), price, fee=coins(3, "USDT"))
    await house.reject(await house.order(ana, connection, side=Side.SELL), "no\0such thing")
    await house.order(ana, connection, side=Side.BUY)
    await money_moves(house, await house.user("carol"), to=ana)


async def money_moves(house: House, user: UserId, *, to: UserId) -> None:
    """Let money come in, be sent on, go back and leave."""
    await till.some_funding(house, user)
    await cashier.transfer(house, user, to=to)
    await cashier.exchange(house, user)
    destination = await cashier.destination(house, user)
    await cashier.proposal(house, await cashier.withdrawal(house, user, destination, cents=60_000))
    await cashier.payout_file(house, user, destination)
    await cashier.api_key(house, user)


@asynccontextmanager
async def busy(house: House) -> AsyncIterator[None]:
    """Post entries for as long as the block lasts."""
    user = await house.user("busy")

    async def post() -> None:
        while True:
            await house.deposit(user, 1)
            await asyncio.sleep(0.002)

    posting = asyncio.create_task(post())
    try:
        yield
    finally:
        posting.cancel()
        await asyncio.gather(posting, return_exceptions=True)


async def differences(house: House, projection: Projection) -> list[Difference]:
    (candidate,) = await build([projection], connect=house.connect_projector, store=house.store)
    return await compare(projection, candidate, connect=house.connect_projector, store=house.store)


async def roles(house: House, name: str) -> list[tuple[int, str]]:
    async with house.projector.connection() as connection:
        return [(one.number, one.role) for one in await list_generations(connection) if one.name == name]


@pytest.mark.parametrize("is_shared", [False, True], ids=["alone", "with another process"])
async def test_every_read_model_rebuilt_equals_the_live_one(
    house: House, monkeypatch: pytest.MonkeyPatch, *, is_shared: bool
) -> None:
    monkeypatch.setattr(parts, "PART", 20)
    monkeypatch.setattr(parts, "WORTH_SHARING", 1)
    await live_a_little(house)
    async with projections_of(house.urls):
        await house.caught_up()
        await live_again(house)
        await house.caught_up()
    told: list[tuple[int, int]] = []
    with folding_apart(house.urls.projector) if is_shared else nullcontext() as apart:
        candidates = await build(
            ALL, connect=house.connect_projector, store=house.store, told=lambda *at: told.append(at), apart=apart
        )
    head = await house.store.head()
    assert told[-1] == (head, head)
    assert [at for at, _ in told] == sorted(at for at, _ in told)
    for projection, candidate in zip(ALL, candidates, strict=True):
        assert await compare(projection, candidate, connect=house.connect_projector, store=house.store) == []
        async with house.projector.connection() as connection:
            for table in await generations.tables_of(connection, candidate):
                query = SQL("SELECT count(*) FROM {}").format(Identifier(candidate.schema, table))
                assert await (await connection.execute(query)).fetchone() != (0,), f"nothing was compared in {table}"


async def live_again(house: House) -> None:
    """Go on in rows that exist already."""
    ana = await house.user("ana again")
    connection = await house.connection(ana)
    for side in (Side.BUY, Side.SELL):
        await house.fill(await house.order(ana, connection, side=side), 40_000, fee=coins(-1, "USDT"))
    await house.deposit(ana, 7)


async def test_what_fails_elsewhere_fails_the_build(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PART", 20)
    monkeypatch.setattr(parts, "WORTH_SHARING", 1)
    await live_a_little(house)

    async def apart(_: object, __: object) -> list[Changes]:
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await build(ALL, connect=house.connect_projector, store=house.store, apart=apart)
    assert await roles(house, "accounts") == [(1, "building")]


CHANGES = {
    "accounts": "UPDATE accounts_g1.balances SET units = units + 1 WHERE asset = 'USD' AND units > 0",
    "journal": "UPDATE journal_g1.entries SET note = 'x' WHERE reference = 'capital'",
    "users": "UPDATE users_g1.users SET roles = '{viewer}' WHERE status = 'SUSPENDED'",
    "connections": "UPDATE connections_g1.connections SET venue = 'other'",
    "assets": "UPDATE assets_g1.assets SET portfolio_scale = 17 WHERE code = 'BTC'",
    "orders": "UPDATE orders_g1.order_fees SET units = units - 1",
    "fills": "UPDATE fills_g1.fills SET price = price + 1 WHERE side = 'sell'",
    "positions": "UPDATE positions_g1.positions SET realised = realised * 10",
    "api_keys": "UPDATE api_keys_g1.api_keys SET revoked_at = NULL WHERE revoked_at IS NOT NULL",
    "destinations": "UPDATE destinations_g1.destinations SET removed = true",
    "withdrawals": "UPDATE withdrawals_g1.withdrawals SET net = net + 1",
    "proposals": "UPDATE proposals_g1.proposals SET proposed_by = 'somebody'",
    "transfers": "UPDATE transfers_g1.transfers SET note = 'x'",
    "quotes": "UPDATE quotes_g1.quotes SET accepted_at = NULL",
    "deposits": "UPDATE deposits_g1.deposits SET returned = returned + 1",
    "refunds": "UPDATE refunds_g1.refunds SET status = 'settled'",
    "disputes": "UPDATE disputes_g1.disputes SET status = 'lost'",
    "payouts": "UPDATE payouts_g1.payouts SET bank = 'other'",
    "volumes": "UPDATE volumes_g1.volumes SET postings = postings + 1",
    "receipts": "UPDATE receipts_g1.receipts SET user_id = NULL",
}


async def test_one_changed_digit_is_found_in_every_model(house: House) -> None:
    await live_a_little(house)
    async with projections_of(house.urls):
        await house.caught_up()
    assert CHANGES.keys() == PROJECTIONS.keys()
    for model, change in CHANGES.items():
        await house.execute(change)
        found = await differences(house, PROJECTIONS[model])
        assert {difference.only_in for difference in found} == {"live", "candidate"}, model


async def test_a_missing_row_and_a_row_too_many_are_found(house: House) -> None:
    await live_a_little(house)
    async with projections_of(house.urls):
        await house.caught_up()
    await house.execute(
        "DELETE FROM journal_g1.postings WHERE log_position = (SELECT max(log_position) FROM read.entries)"
    )
    await house.execute("INSERT INTO assets_g1.assets VALUES ('system', 'ETH', 18, 18, 18, 1)")
    assert {found.only_in for found in await differences(house, PROJECTIONS["journal"])} == {"candidate"}
    (extra,) = await differences(house, PROJECTIONS["assets"])
    assert (extra.table, extra.only_in, extra.row["code"]) == ("assets", "live", "ETH")


async def test_nothing_is_switched_to_that_differs(house: House) -> None:
    await live_a_little(house)
    async with projections_of(house.urls):
        await house.caught_up()
    await house.execute(CHANGES["accounts"])
    with pytest.raises(GenerationsDiffer) as refused:
        await rebuild([PROJECTIONS["accounts"]], connect=house.connect_projector, store=house.store)
    assert refused.value.differences[0].table == "balances"
    assert await roles(house, "accounts") == [(1, "live"), (2, "building")]


async def test_a_rebuild_that_was_abandoned_is_cleared_away_by_the_next(house: House) -> None:
    await live_a_little(house)
    async with projections_of(house.urls):
        await house.caught_up()
    await build([PROJECTIONS["users"]], connect=house.connect_projector, store=house.store)
    await rebuild([PROJECTIONS["users"]], connect=house.connect_projector, store=house.store)
    assert await roles(house, "users") == [(1, "retired"), (2, "live")]


async def test_a_rebuild_goes_on_while_the_log_grows_and_readers_read(house: House) -> None:
    await live_a_little(house)
    seen: list[tuple[int, int]] = []

    async def keep_reading() -> None:
        while True:
            async with house.reading() as connection:
                page = await accounts.list_accounts(connection, limit=500)
                units = [amount.units for item in page.items for amount in item.amounts if amount.asset.code == "USD"]
                assert sum(units) == 0, "a reader saw half of a generation"
                seen.append((page.log_position, len(page.items)))
            await asyncio.sleep(0.005)

    async with projections_of(house.urls) as runner, busy(house):
        await house.caught_up("accounts", "journal")
        readers = [asyncio.create_task(keep_reading()) for _ in range(2)]
        told: list[tuple[int, int]] = []
        for models in (ALL, (PROJECTIONS["accounts"], PROJECTIONS["journal"])):
            await rebuild(
                models, connect=house.connect_projector, store=house.store, told=lambda at, end: told.append((at, end))
            )
        for reader in readers:
            assert not reader.done(), reader.exception()
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
    assert told[-1][0] == told[-1][1]
    assert len(seen) > 10
    assert min(accounts for _, accounts in seen) > 0
    assert not [schema for schema, progress in runner.progress.items() if progress.error]
    async with projections_of(house.urls):
        await house.caught_up()
        assert await roles(house, "journal") == [(1, "retired"), (2, "retired"), (3, "live")]
        assert await differences(house, PROJECTIONS["accounts"]) == []


async def test_a_reader_never_sees_its_model_go_back(house: House) -> None:
    await live_a_little(house)
    async with projections_of(house.urls), busy(house):
        await house.caught_up("accounts")
        before = 0
        (candidate,) = await build([PROJECTIONS["accounts"]], connect=house.connect_projector, store=house.store)
        switching = asyncio.create_task(
            switch(PROJECTIONS["accounts"], candidate, connect=house.connect_projector, store=house.store)
        )
        while not switching.done() or before == 0:
            async with house.reading() as connection:
                page = await accounts.list_accounts(connection, limit=1)
            assert page.log_position >= before
            before = page.log_position
        await switching


async def test_a_transaction_keeps_the_generation_that_it_began_with(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await live_a_little(house)
    async with projections_of(house.urls):
        await house.caught_up()
    (candidate,) = await build([PROJECTIONS["accounts"]], connect=house.connect_projector, store=house.store)
    await house.execute("UPDATE accounts_g2.balances SET units = 0")
    monkeypatch.setattr(switching, "LONGEST_WAIT_S", 0.2)
    async with house.reading() as connection:
        first = await accounts.get_balances(connection, BANK)
        with pytest.raises(RebuildRefused):
            await switch(PROJECTIONS["accounts"], candidate, connect=house.connect_projector, store=house.store)
        assert await accounts.get_balances(connection, BANK) == first
    await switch(PROJECTIONS["accounts"], candidate, connect=house.connect_projector, store=house.store)
    async with house.reading() as connection:
        assert (await accounts.get_balances(connection, BANK)).value.amounts[0].units == 0


async def test_two_rebuilds_of_one_model_are_one_too_many(house: House) -> None:
    await house.open()
    async with projections_of(house.urls):
        await house.caught_up()
    async with house.projector.connection() as other:
        await other.execute("SELECT pg_advisory_lock(hashtextextended('lastro.rebuild.users', 0))")
        with pytest.raises(RebuildRefused):
            await rebuild([PROJECTIONS["users"]], connect=house.connect_projector, store=house.store)
        await other.execute("SELECT pg_advisory_unlock_all()")


async def test_a_retired_generation_is_followed_until_it_is_dropped(house: House) -> None:
    await live_a_little(house)
    async with projections_of(house.urls) as runner:
        await house.caught_up()
        await rebuild([PROJECTIONS["accounts"]], connect=house.connect_projector, store=house.store)
        await house.post((BANK, 1), ("equity:owner", -1))
        head = await house.caught_up()
        old, live = await both(house)
        await until(lambda: runner.progress["accounts_g1"].log_position >= head)
        assert await house.execute("SELECT * FROM accounts_g1.balances EXCEPT SELECT * FROM read.balances") == []
        async with house.projector.connection() as connection:
            assert not await generations.drop(connection, live)
            assert await generations.drop(connection, old)
        with pytest.raises(errors.UndefinedTable):
            await house.execute("SELECT * FROM accounts_g1.balances")
        await house.post((BANK, 1), ("equity:owner", -1))
        await house.caught_up()
        assert not [schema for schema, progress in runner.progress.items() if progress.error]


async def both(house: House) -> list[Generation]:
    async with house.projector.connection() as connection:
        return [one for one in await list_generations(connection) if one.name == "accounts"]


async def test_whoever_is_done_has_given_the_lease_back(house: House) -> None:
    """Even if its connection lives on: the server hears of the end of one when it pleases."""
    async with house.projector.connection() as living_on:

        async def connect() -> Connection:
            return living_on

        async with leased(["accounts"], connect):
            pass
        assert not living_on.closed
        async with leased(["accounts"], house.connect_projector):
            pass
