"""Users, a tenant and a connection, as the use cases make them."""

from dataclasses import replace

from application.commands import Command
from application.connections import open_connection
from application.tenants import create_tenant
from application.users import change_user, register_user
from domain.connections import OpenConnection
from domain.ids import ConnectionId, OrderId, SubjectId, UserId
from domain.instruments import InstrumentId, portfolio_asset
from domain.money import Amount
from domain.orders.commands import PlaceOrder
from domain.orders.terms import OrderType, Side
from domain.positions.terms import Market
from domain.tenants import CreateTenant
from domain.users import RegisterUser, Role, Status, SuspendUser
from tests.application.world import NOW, ROBOT, TENANT, an_id, envelope
from tests.domain.ledger.entries import USER

ANA, BOB, FINANCE = (UserId(an_id(name)) for name in ("ana", "bob", "finance"))
CONNECTION = ConnectionId(an_id("connection"))
SYSTEM_TENANT = create_tenant(envelope("tenant", tenant="system"), CreateTenant(name=TENANT))


def registered(
    user: UserId, *, status: Status = Status.ACTIVE, email: str | None = None, key: str = "register"
) -> Command:
    """Return the registration of a user; two with one `email` want the same address."""
    command = RegisterUser(user=user, subject=SubjectId(user), roles=(Role.TRADER,), status=status)
    return register_user(envelope(f"{key} {user}"), command, email_hmac=an_id(email or user))


def suspended(user: UserId) -> Command:
    return change_user(envelope(f"suspend {user}"), SuspendUser(user=user, by=ROBOT))


PEOPLE = (SYSTEM_TENANT, *(registered(user) for user in (USER, ANA, BOB, FINANCE)))


def connected(start: str = "10000", *, user: UserId = ANA, connection: ConnectionId = CONNECTION) -> Command:
    opened = OpenConnection(
        connection=connection, user=user, venue="paper", market=Market.SPOT, start=usd(start), occurred_at=NOW
    )
    return open_connection(envelope(f"open {connection}", actor=user), opened)


def usd(text: str) -> Amount:
    return Amount.parse(text, portfolio_asset("USD"))


def btc(text: str) -> Amount:
    return Amount.parse(text, portfolio_asset("BTC"))


def order_of(name: str, side: Side = Side.BUY, quantity: str = "0.1", *, user: UserId = ANA) -> PlaceOrder:
    return PlaceOrder(
        order=OrderId(an_id(name)), user=user, connection=CONNECTION, instrument=InstrumentId("btc-usd"), strategy=None,
        side=side, type=OrderType.MARKET, quantity=btc(quantity), quote_amount=None, occurred_at=NOW,
    )  # fmt: skip


def spending(order: PlaceOrder, amount: str) -> PlaceOrder:
    return replace(order, quantity=None, quote_amount=usd(amount))
