"""What moves between our own money and our customers' at a bank: a top-up for fees that we bear, a sweep of earnings.

Customers' money is kept apart, so each move is an entry of a kind of its own. How much there is to top up or to sweep
is the accountant's reckoning, over all books; it is not decided here.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from domain.errors import Invalid
from domain.funding.entries import Booking, client_bank
from domain.ids import AccountPath, EntryId
from domain.ledger.entry import JournalEntry, Posting
from domain.money import Amount


class Direction(StrEnum):
    """Which way money goes, as the kind of its entry says it."""

    TOP_UP = "client_money_topped_up"
    SWEEP = "earnings_swept"


@dataclass(kw_only=True, eq=False)
class InvalidMove(Invalid):
    """A move is above zero."""

    code: ClassVar[str] = "invalid_move"
    sentence: ClassVar[str] = "What moves is an amount above zero."


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveClientMoney:
    """Move an amount between our account `own` and our customers' account `client`; `reference` is the bank's."""

    entry: EntryId
    direction: Direction
    client: str
    own: str
    amount: Amount
    reference: str
    occurred_at: datetime


def entry(booking: Booking, move: MoveClientMoney) -> JournalEntry:
    """Book a move. Raises `InvalidMove`."""
    if move.amount.units <= 0:
        raise InvalidMove(at=("amount",))
    client, own = client_bank(move.client), AccountPath(f"assets:bank:own:{move.own}")
    to, source = (client, own) if move.direction is Direction.TOP_UP else (own, client)
    (made,) = booking.entry(move.direction.value, Posting(to, move.amount), Posting(source, -move.amount))
    return made
