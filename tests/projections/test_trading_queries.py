"""Orders, fills, positions, connections, users and assets, each as its model shows it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from application import streams
from domain.ids import ConnectionId, UserId
from domain.ledger.accounts import Realm
from domain.money import Asset
from domain.orders.errors import UnknownOrder
from domain.orders.order import Order
from domain.orders.terms import Side, Standing
from domain.orders.transitions import Status
from domain.positions.state import Position
from domain.positions.terms import Charge
from domain.users import ActivateUser, Role, SetRoles, SuspendUser, UnknownUser
from domain.users import Status as UserStatus
from projections import assets, connections, fills, orders, positions, users
from tests.projections.house import House, coins, name, projections_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def house(house: House) -> AsyncIterator[House]:
    await house.open()
    async with projections_of(house.urls):
        yield house


@dataclass(frozen=True)
class Desk:
    """A user with a connection, two filled orders, a rejected one and one that is still under way."""

    user: UserId
    connection: ConnectionId
    bought: Order
    sold: Order
    rejected: Order
    open: Order


@pytest.fixture
async def desk(house: House) -> Desk:
    ana = await house.user("ana")
    connection = await house.connection(ana)
    bought = await house.order(ana, connection, side=Side.BUY, whole=2)
    await house.fill(bought, 30_000, fee=coins(60, "USDT"))
    sold = await house.order(ana, connection, side=Side.SELL)
    await house.fill(sold, 33_000, fee=coins(-3, "USDT"))
    rejected = await house.order(ana, connection, side=Side.BUY)
    await house.reject(rejected, "not enough\0")
    under_way = await house.order(ana, connection, side=Side.SELL)
    await house.caught_up()
    return Desk(ana, connection, bought, sold, rejected, under_way)


async def test_an_order_shows_where_it_stands_and_what_was_filled(house: House, desk: Desk) -> None:
    async with house.reading() as connection:
        filled = (await orders.get_order(connection, desk.bought.order)).value
        rejected = (await orders.get_order(connection, desk.rejected.order)).value
        under_way = (await orders.get_order(connection, desk.open.order)).value
        with pytest.raises(UnknownOrder):
            await orders.get_order(connection, name("no order"))
    assert (filled.status, filled.filled, filled.cost) == (Status.FILLED, coins(2, "BTC"), coins(60_000, "USDT"))
    assert (filled.fees, filled.quantity, filled.quote_amount) == ((coins(60, "USDT"),), coins(2, "BTC"), None)
    assert (rejected.status, rejected.reason, rejected.fees) == (
        Status.REJECTED,
        "not enough\N{REPLACEMENT CHARACTER}",
        (),
    )
    assert (under_way.status, under_way.uncertain, under_way.filled) == (Status.SUBMITTED, False, coins(0, "BTC"))


async def test_every_order_is_where_its_stream_says_it_is(house: House, desk: Desk) -> None:
    async with house.reading() as connection:
        page = await orders.list_orders(connection, limit=500)
    assert len(page.items) == 4
    for shown in page.items:
        order = (await house.committer.state(streams.order(house.tenant, shown.id))).state
        assert isinstance(order, Order)
        assert (shown.status, shown.filled, shown.cost, shown.fees) == (
            order.status,
            order.filled,
            order.cost,
            order.fees,
        )
        assert (shown.user, shown.connection, shown.side) == (desk.user, desk.connection, order.side)


async def test_orders_are_listed_newest_first_by_user_or_connection(house: House, desk: Desk) -> None:
    newest_first = [desk.open.order, desk.rejected.order, desk.sold.order, desk.bought.order]
    async with house.reading() as connection:
        first = await orders.list_orders(connection, user=desk.user, limit=3)
        rest = await orders.list_orders(connection, user=desk.user, limit=3, cursor=first.next_cursor)
        assert [order.id for order in (*first.items, *rest.items)] == newest_first
        assert rest.next_cursor is None
        of_connection = await orders.list_orders(connection, venue_connection=desk.connection, limit=9)
        assert [order.id for order in of_connection.items] == newest_first
        assert (await orders.list_orders(connection, user=name("somebody else"), limit=9)).items == ()


async def test_fills_are_listed_newest_first_by_user_connection_or_order(house: House, desk: Desk) -> None:
    async with house.reading() as connection:
        page = await fills.list_fills(connection, user=desk.user, limit=9)
        of_order = await fills.list_fills(connection, order=desk.sold.order, limit=9)
        first = await fills.list_fills(connection, venue_connection=desk.connection, limit=1)
        rest = await fills.list_fills(connection, venue_connection=desk.connection, limit=1, cursor=first.next_cursor)
        of_nobody = await fills.list_fills(connection, user=name("somebody else"), limit=9)
    assert [fill.order for fill in page.items] == [desk.sold.order, desk.bought.order]
    assert (*first.items, *rest.items) == page.items
    (sale,) = of_order.items
    assert (sale.side, sale.quantity, sale.price, sale.cost, sale.fee, sale.standing) == (
        Side.SELL, coins(1, "BTC"), coins(33_000, "USDT"), coins(33_000, "USDT"), coins(-3, "USDT"), Standing.REGULAR,
    )  # fmt: skip
    assert of_nobody.items == ()


async def test_a_position_shows_quantity_cost_result_and_charges(house: House, desk: Desk) -> None:
    async with house.reading() as connection:
        (held,) = (await positions.list_positions(connection, user=desk.user, limit=9)).items
        of_nobody = await positions.list_positions(connection, user=name("somebody else"), limit=9)
    assert (held.connection, held.instrument, held.strategy) == (desk.connection, "btc-usdt", None)
    assert (held.quantity, held.cost) == (coins(1, "BTC"), coins(30_000, "USDT"))
    assert (held.realised, held.average_price) == (coins(3_000, "USDT"), coins(30_000, "USDT"))
    assert held.charges == ((Charge.FEE, coins(57, "USDT")),)
    assert of_nobody.items == ()


async def test_a_position_is_what_its_stream_folds_to(house: House, desk: Desk) -> None:
    stream = streams.position(house.tenant, desk.connection, instrument="btc-usdt", strategy=None)
    folded = (await house.committer.state(stream)).state
    async with house.reading() as connection:
        (held,) = (await positions.list_positions(connection, limit=9)).items
    assert folded == Position(quantity=held.quantity.units, cost=held.cost.units)


async def test_positions_are_paged_and_flat_ones_may_be_left_out(house: House, desk: Desk) -> None:
    another = await house.connection(desk.user, "another")
    for side in (Side.BUY, Side.SELL):
        await house.fill(await house.order(desk.user, another, side=side), 100)
    await house.caught_up()
    async with house.reading() as connection:
        everything = await positions.list_positions(connection, limit=9)
        first = await positions.list_positions(connection, limit=1)
        rest = await positions.list_positions(connection, limit=1, cursor=first.next_cursor)
        still_open = await positions.list_positions(connection, open_only=True, limit=9)
        flat = await positions.list_positions(connection, venue_connection=another, limit=9)
    assert (*first.items, *rest.items) == everything.items
    assert len(everything.items) == 2
    assert [held.connection for held in still_open.items] == [desk.connection]
    assert [(held.average_price, held.cost.units, held.quantity.units) for held in flat.items] == [(None, 0, 0)]


async def test_connections_are_listed_with_what_they_began_with(house: House, desk: Desk) -> None:
    bob = await house.user("bob")
    other = await house.connection(bob, start=7)
    await house.caught_up()
    async with house.reading() as connection:
        everyones = await connections.list_connections(connection, limit=9)
        bobs = await connections.list_connections(connection, user=bob, limit=9)
        assert (await connections.get_connection(connection, other)).value == bobs.items[0]
    assert [one.id for one in everyones.items] == [desk.connection, other]
    assert [(one.user, one.start) for one in bobs.items] == [(bob, coins(7, "USDT"))]


async def test_users_are_listed_in_order_of_registration_and_by_status(house: House) -> None:
    ana, bob, eve = [await house.user(label) for label in ("ana", "bob", "eve")]
    await house.change(SuspendUser(user=bob, by="cli:test"))
    await house.change(SuspendUser(user=eve, by="cli:test"))
    await house.change(ActivateUser(user=eve, by="cli:test"))
    await house.change(SetRoles(user=eve, roles=(Role.AUDITOR, Role.FINANCE), by="cli:test"))
    await house.caught_up()
    async with house.reading() as connection:
        first = await users.list_users(connection, limit=2)
        rest = await users.list_users(connection, limit=2, cursor=first.next_cursor)
        suspended = await users.list_users(connection, status=UserStatus.SUSPENDED, limit=9)
        eve_now = (await users.get_user(connection, eve)).value
        with pytest.raises(UnknownUser):
            await users.get_user(connection, name("nobody"))
    assert [user.id for user in (*first.items, *rest.items)] == [ana, bob, eve]
    assert [user.id for user in suspended.items] == [bob]
    assert (eve_now.status, eve_now.roles) == (UserStatus.ACTIVE, (Role.FINANCE, Role.AUDITOR))


async def test_assets_are_seen_by_every_tenant(house: House) -> None:
    for code in ("ETH", "BTC", "ADA"):
        await house.asset(code)
    await house.caught_up()
    async with house.reading() as connection:
        first = await assets.list_assets(connection, limit=2)
        rest = await assets.list_assets(connection, limit=2, cursor=first.next_cursor)
    assert [asset.asset for asset in (*first.items, *rest.items)] == ["ADA", "BTC", "ETH"]
    assert first.items[0].at(Realm.COMPANY) == Asset("ADA", 18)
