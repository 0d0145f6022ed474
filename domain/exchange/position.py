"""Our open position in a pair of currencies: what users sold us and what we gave for it, until a bank covers it."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, assert_never

from domain.errors import Invalid, Refused
from domain.exchange.quote import fx_account
from domain.ids import AccountPath, EntryId
from domain.ledger.entry import JournalEntry, Posting
from domain.money import Amount, Rounding

COVERED = "exchange_covered"
RESULT = AccountPath("revenue:fx_result")


@dataclass(kw_only=True, eq=False)
class NotSoMuchOpen(Refused):
    """No more is covered than is open."""

    code: ClassVar[str] = "not_so_much_open"
    sentence: ClassVar[str] = "The open position is smaller than what shall be covered."
    open: Amount | None
    requested: Amount


@dataclass(kw_only=True, eq=False)
class InvalidCover(Invalid):
    """A cover gives an amount of one asset for an amount of the other, both above zero."""

    code: ClassVar[str] = "invalid_cover"
    sentence: ClassVar[str] = "A cover sells an amount above zero for an amount of another asset."


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOn:
    """A user sold us `base`, and we owe `quote` for it (before spread and tax)."""

    base: Amount
    quote: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """We sold `base` at a bank and got `received` for it."""

    cover: EntryId
    bank: str
    base: Amount
    received: Amount
    occurred_at: datetime


Command = TakeOn | Cover


@dataclass(frozen=True, slots=True, kw_only=True)
class FxTakenOn:
    """Our open position grew."""

    base: Amount
    quote: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class FxCovered:
    """A part of it was closed: `released` is what it stood for, `received` what we got."""

    cover: EntryId
    bank: str
    base: Amount
    released: Amount
    received: Amount
    occurred_at: datetime


Event = FxTakenOn | FxCovered


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """What is open: so much of the base, for so much of the quote asset."""

    base: Amount
    quote: Amount


State = Open | None
INITIAL: State = None


def decide(state: State, command: Command) -> tuple[Event, ...]:
    """Take more on, or close a part in proportion; the last part takes all that is left."""
    match command:
        case TakeOn(base=base, quote=quote):
            return (FxTakenOn(base=base, quote=quote),)
        case Cover(base=base, received=received):
            if base.units <= 0 or received.units <= 0 or base.asset == received.asset:
                raise InvalidCover
            if state is None or state.base < base:
                raise NotSoMuchOpen(open=None if state is None else state.base, requested=base)
            released = state.quote.times(base.units, over=state.base.units, rounding=Rounding.DOWN)
            return (
                FxCovered(
                    cover=command.cover,
                    bank=command.bank,
                    base=base,
                    released=released,
                    received=received,
                    occurred_at=command.occurred_at,
                ),
            )
        case _:
            assert_never(command)


def evolve(state: State, event: Event) -> State:
    """Add what was taken on, take away what was covered."""
    match event:
        case FxTakenOn(base=base, quote=quote):
            if state is None:
                return Open(base=base, quote=quote)
            return Open(base=state.base + base, quote=state.quote + quote)
        case FxCovered(base=base, released=released):
            assert state is not None, "what is covered was open"
            left = Open(base=state.base - base, quote=state.quote - released)
            return left if left.base else None
        case _:
            assert_never(event)


def entry(covered: FxCovered, *, effective_at: datetime) -> JournalEntry:
    """Return the entry of a cover; what we got beyond what it stood for is our result (ACCOUNTING, … we cover it)."""
    fx = fx_account(covered.base.asset, covered.received.asset)
    bank = AccountPath(f"assets:bank:client:{covered.bank}")
    lines = (
        (fx, covered.base),
        (bank, -covered.base),
        (bank, covered.received),
        (fx, -covered.released),
        (RESULT, covered.released - covered.received),
    )
    return JournalEntry(
        id=covered.cover,
        kind=COVERED,
        reference=covered.cover,
        occurred_at=covered.occurred_at,
        effective_at=effective_at,
        postings=tuple(Posting(account, amount) for account, amount in lines if amount),
    )
