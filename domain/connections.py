"""Decide the opening of a user's connection to a venue, and what a connection may trade.

A paper connection begins with money from outside, in one entry. Credentials, health and permissions are not decided
here.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from domain.errors import Invalid, NotFound, Refused
from domain.ids import AccountPath, ConnectionId, UserId
from domain.instruments import SCALE, Instrument
from domain.ledger.entry import Posting
from domain.money import MAX_UNITS, Amount
from domain.positions.terms import Market

PAPER = "paper"
VENUES = frozenset({PAPER})
OPENING_KIND = "connection_opened"
BREAK_RESOLVED_KIND = "break_resolved"


@dataclass(kw_only=True, eq=False)
class UnknownVenue(Invalid):
    """No adapter speaks to a venue of that name."""

    code: ClassVar[str] = "unknown_venue"
    sentence: ClassVar[str] = "This venue is not supported."
    venue: str
    known: tuple[str, ...] = tuple(sorted(VENUES))


@dataclass(kw_only=True, eq=False)
class UnsupportedMarket(Invalid):
    """The venue's adapter does not trade that kind of market yet."""

    code: ClassVar[str] = "unsupported_market"
    sentence: ClassVar[str] = "This kind of market is not supported at the venue."
    market: Market


@dataclass(kw_only=True, eq=False)
class InvalidStart(Invalid):
    """A paper connection starts with money above zero."""

    code: ClassVar[str] = "invalid_start"
    sentence: ClassVar[str] = "A paper connection starts with an amount above zero."
    start: Amount


@dataclass(kw_only=True, eq=False)
class ConnectionExists(Refused):
    """The connection was opened before."""

    code: ClassVar[str] = "connection_exists"
    sentence: ClassVar[str] = "The connection is open already."
    connection: ConnectionId


@dataclass(kw_only=True, eq=False)
class UnknownConnection(NotFound):
    """The connection was never opened, or belongs to somebody else, which nobody is told."""

    code: ClassVar[str] = "unknown_connection"
    sentence: ClassVar[str] = "There is no such connection."


@dataclass(kw_only=True, eq=False)
class InstrumentNotTraded(Refused):
    """The connection's market is not the instrument's."""

    code: ClassVar[str] = "instrument_not_traded"
    sentence: ClassVar[str] = "The connection does not trade this kind of instrument."
    instrument: str
    market: Market


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenConnection:
    """Connect a user to a venue; `start` is what a paper connection begins with, at the portfolio's scale."""

    connection: ConnectionId
    user: UserId
    venue: str
    market: Market
    start: Amount
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionOpened:
    """A user is connected to a venue."""

    connection: ConnectionId
    user: UserId
    venue: str
    market: Market
    start: Amount
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """An open connection."""

    connection: ConnectionId
    user: UserId
    venue: str
    market: Market


State = Connection | None
INITIAL: State = None


def decide(state: State, command: OpenConnection) -> tuple[ConnectionOpened, ...]:
    """Open a connection, once. Paper and spot are what there is so far."""
    if command.venue not in VENUES:
        raise UnknownVenue(venue=command.venue, at=("venue",))
    if command.market is not Market.SPOT:
        raise UnsupportedMarket(market=command.market, at=("market",))
    assert command.start.asset.scale == SCALE, "portfolio amounts have one scale"
    if not 0 < command.start.units < MAX_UNITS:
        raise InvalidStart(start=command.start, at=("start",))
    if state is not None:
        raise ConnectionExists(connection=state.connection)
    return (
        ConnectionOpened(
            connection=command.connection,
            user=command.user,
            venue=command.venue,
            market=command.market,
            start=command.start,
            occurred_at=command.occurred_at,
        ),
    )


def evolve(state: State, event: ConnectionOpened) -> State:  # noqa: ARG001 - every decider has this shape
    """Remember whose connection it is and what it trades."""
    return Connection(connection=event.connection, user=event.user, venue=event.venue, market=event.market)


def tradable_by(state: State, user: UserId, instrument: Instrument) -> Connection:
    """Return the connection if it is this user's and trades this instrument; refuse it otherwise."""
    if state is None or state.user != user:
        raise UnknownConnection
    if (state.market is Market.PERPETUAL) != instrument.perpetual:
        raise InstrumentNotTraded(instrument=instrument.id, market=state.market)
    return state


def external_postings(connection: ConnectionId, amount: Amount) -> tuple[Posting, Posting]:
    """Return what brings outside money into a connection's holdings, or out where below zero.

    It opens a paper connection (kind `connection_opened`) or resolves a break as "not ours" (kind `break_resolved`);
    nothing else posts to `external` (ACCOUNTING, invariant 7).
    """
    return (
        Posting(AccountPath(f"portfolio:{connection}:holdings"), amount),
        Posting(AccountPath(f"portfolio:{connection}:external"), -amount),
    )
