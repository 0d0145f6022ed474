"""Quotes: what a user gets for an amount, good for a short time, accepted once. Their numbers are fixed when made."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, assert_never

from domain.errors import Invalid, NotFound, Refused
from domain.exchange.rates import RateRecorded, worth
from domain.ids import AccountPath, EntryId, QuoteId, UserId
from domain.ledger.accounts import Bucket, available
from domain.ledger.book import Book
from domain.ledger.entry import JournalEntry, Posting
from domain.ledger.set_off import credit
from domain.money import Amount, Asset, Rounding

KIND = "exchange"
BPS = 10_000


@dataclass(kw_only=True, eq=False)
class UnknownQuote(NotFound):
    """There is no such quote of this user."""

    code: ClassVar[str] = "unknown_quote"
    sentence: ClassVar[str] = "There is no such quote."


@dataclass(kw_only=True, eq=False)
class QuoteExpired(Refused):
    """A quote is accepted while it is good."""

    code: ClassVar[str] = "quote_expired"
    sentence: ClassVar[str] = "The quote is no longer good: ask for another."
    expired_at: datetime


@dataclass(kw_only=True, eq=False)
class NothingToGain(Invalid):
    """After spread and tax nothing would be left, or both assets are the same."""

    code: ClassVar[str] = "nothing_to_gain"
    sentence: ClassVar[str] = "The amount is too small, or both assets are the same."


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What we and the state keep, in parts of ten thousand of the gross and of what is left after the spread."""

    spread_bps: int
    tax_bps: int
    tax_kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskForQuote:
    """Ask what an amount, above zero, is worth in another asset."""

    quote: QuoteId
    user: UserId
    sold: Amount
    bought: Asset
    rate: RateRecorded
    costs: Costs
    occurred_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptQuote:
    """Exchange as quoted."""

    occurred_at: datetime


Command = AskForQuote | AcceptQuote


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteMade:
    """We offer `net` for `sold`: gross at the price, less our spread and the tax."""

    quote: QuoteId
    user: UserId
    sold: Amount
    gross: Amount
    spread: Amount
    tax: Amount
    tax_kind: str
    net: Amount
    price: Amount
    rate_of: datetime
    costs: Costs
    occurred_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteAccepted:
    """The user took the offer."""

    quote: QuoteId
    user: UserId
    occurred_at: datetime


Event = QuoteMade | QuoteAccepted


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """An offer, and when it was taken."""

    made: QuoteMade
    accepted_at: datetime | None = None


State = Quote | None
INITIAL: State = None


def decide(state: State, command: Command) -> tuple[Event, ...]:
    """Make an offer, or take it while it is good."""
    match command:
        case AskForQuote():
            return () if state is not None else (_offer(command),)
        case AcceptQuote():
            return _accept(state, command)
        case _:
            assert_never(command)


def _accept(state: State, command: AcceptQuote) -> tuple[QuoteAccepted, ...]:
    if state is None:
        raise UnknownQuote
    if state.accepted_at is not None:
        return ()
    if command.occurred_at > state.made.expires_at:
        raise QuoteExpired(expired_at=state.made.expires_at)
    made = state.made
    return (QuoteAccepted(quote=made.quote, user=made.user, occurred_at=command.occurred_at),)


def evolve(state: State, event: Event) -> State:
    """Remember the offer, and that it was taken."""
    match event:
        case QuoteMade():
            return Quote(made=event)
        case QuoteAccepted():
            assert state is not None, "an offer is made before it is taken"
            return replace(state, accepted_at=event.occurred_at)
        case _:
            assert_never(event)


def _offer(command: AskForQuote) -> QuoteMade:
    """Reckon an offer; every part is rounded down, so the dust of the spread and of the tax is the user's."""
    if command.sold.asset.code == command.bought.code:
        raise NothingToGain
    gross = worth(command.sold, command.rate.price, command.bought)
    spread = gross.times(command.costs.spread_bps, over=BPS, rounding=Rounding.DOWN)
    tax = (gross - spread).times(command.costs.tax_bps, over=BPS, rounding=Rounding.DOWN)
    net = gross - spread - tax
    if net.units <= 0:
        raise NothingToGain
    return QuoteMade(
        quote=command.quote,
        user=command.user,
        sold=command.sold,
        gross=gross,
        spread=spread,
        tax=tax,
        tax_kind=command.costs.tax_kind,
        net=net,
        price=command.rate.price,
        rate_of=command.rate.occurred_at,
        costs=command.costs,
        occurred_at=command.occurred_at,
        expires_at=command.expires_at,
    )


def fx_account(base: Asset, quote: Asset) -> AccountPath:
    """Return the account of our open position in a pair."""
    return AccountPath(f"equity:fx:{base.code.lower()}-{quote.code.lower()}")


def entry(made: QuoteMade, book: Book, *, id: EntryId, occurred_at: datetime, effective_at: datetime) -> JournalEntry:
    """Return the entry of an accepted offer, in the user's book (ACCOUNTING, own USD 100.00 → BRL)."""
    fx = fx_account(made.sold.asset, made.net.asset)
    lines = (
        (available(made.user, Bucket.REAL), made.sold),
        (fx, -made.sold),
        (fx, made.gross),
        (AccountPath("revenue:fx_spread"), -made.spread),
        (AccountPath(f"liabilities:taxes:{made.tax_kind}"), -made.tax),
    )
    return JournalEntry(
        id=id,
        kind=KIND,
        reference=made.quote,
        occurred_at=occurred_at,
        effective_at=effective_at,
        postings=(
            *(Posting(account, amount) for account, amount in lines if amount),
            *credit(book, made.user, Bucket.REAL, made.net),
        ),
    )
