"""Claims against what they stand for: of references and reversals, of addresses, of lines of outside accounts.

A claim is taken in the append of the thing it is for, so every append is judged by itself: it has the claims it needs
and no others.
"""

from collections.abc import Sequence

from application import streams
from domain.claims import EmailClaimed, OutsideFactBooked
from domain.funding.deposit_events import DepositSettled
from domain.funding.dispute import DisputeChargedBack, DisputeWon
from domain.funding.payout import PayoutCreated
from domain.funding.receipt import ReceiptRecorded
from domain.funding.refund import RefundSettled
from domain.ledger.entry import EntryPosted, EntryReversed, ReferenceClaimed
from domain.ledger.flows import FLOWS, NAMED_BY_PEOPLE
from domain.users import UserRegistered
from interfaces.audit.facts import Fact
from interfaces.audit.findings import Tally

CHECKS = ("claims",)

Claim = tuple[str, str]
"""What is claimed, as the stream that makes it unique, and for whom. An address is known to the vault only."""
Claims = dict[Claim, int]

_EMAIL = "an e-mail address"
_OUTSIDE = "outside fact"
"""Followed by the line's name: only the claim itself says at which provider or bank the line is."""


class Claiming:
    """The appends of events that come in log order, and begin and end where one does."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._taken: Claims = {}
        self._needed: Claims = {}

    def take(self, facts: Sequence[Fact]) -> None:
        """Look at the next events, and at each append that ends among them."""
        taken, needed = self._taken, self._needed
        for fact in facts:
            if not _is_plain(fact.event):
                self._take(fact)
            if (taken or needed) and fact.ends_append:
                _compare(taken, needed, self._tally)
                taken.clear()
                needed.clear()

    def _take(self, fact: Fact) -> None:
        needs, takes = _needed(fact), _taken(fact)
        if needs is not None:
            self._needed[needs] = fact.log_position
        if takes is not None:
            self._taken[takes] = fact.log_position
            belongs = _belongs(fact, takes)
            if belongs != fact.stream:
                where = f"what it claims belongs to {belongs}, but it lies in {fact.stream}"
                self._tally.find(fact.log_position, where)


def _is_plain(event: object) -> bool:
    """Tell at once that an event is an entry, as most are, which needs no claim and takes none."""
    return isinstance(event, EntryPosted) and event.entry.reverses is None and event.entry.reference == event.entry.id


def _needed(fact: Fact) -> Claim | None:
    """Return what an event must claim: a reversal its original, a person's entry its explicit reference, a user."""
    match fact.event:
        case EntryPosted(entry=entry) if entry.reverses is not None:
            return streams.reversal(fact.tenant, entry.reverses), entry.id
        case EntryPosted(entry=entry) if entry.reference != entry.id and _is_named(entry.kind):
            return streams.reference(fact.tenant, entry.kind, entry.reference), entry.id
        case UserRegistered(user=user):
            return _EMAIL, user
        case DepositSettled(movement=movement, deposit=by) | RefundSettled(movement=movement, refund=by):
            return f"{_OUTSIDE} {movement}", by
        case DisputeChargedBack(movement=movement, dispute=by) | PayoutCreated(movement=movement, payout=by):
            return f"{_OUTSIDE} {movement}", by
        case DisputeWon(movement=str(movement), dispute=by) | ReceiptRecorded(line=movement, receipt=by):
            return f"{_OUTSIDE} {movement}", by
        case _:
            return None


def _is_named(kind: str) -> bool:
    """Tell whether a person names an entry of this kind by its reference."""
    return kind not in FLOWS or kind in NAMED_BY_PEOPLE


def _belongs(fact: Fact, claim: Claim) -> str:
    """Return the stream that makes a claim unique; the vault alone knows that of an address."""
    match fact.event:
        case OutsideFactBooked(source=source, movement=movement):
            return streams.outside_fact(fact.tenant, source, movement)
        case EmailClaimed():
            return fact.stream
        case _:
            return claim[0]


def _taken(fact: Fact) -> Claim | None:
    """Return what an event claims."""
    match fact.event:
        case ReferenceClaimed(kind=kind, reference=reference, entry=claimant):
            return streams.reference(fact.tenant, kind, reference), claimant
        case EntryReversed(entry=original, reversal=claimant):
            return streams.reversal(fact.tenant, original), claimant
        case EmailClaimed(user=user):
            return _EMAIL, user
        case OutsideFactBooked(movement=movement, by=by):
            return f"{_OUTSIDE} {movement}", by
        case _:
            return None


def _compare(taken: Claims, needed: Claims, tally: Tally) -> None:
    tally.count("claims", len(taken))
    for claim, position in taken.items():
        if claim not in needed:
            tally.find(position, f"{claim[0]} is claimed for {claim[1]}, who has no use for it in this append")
    for claim, position in needed.items():
        if claim not in taken:
            tally.find(position, f"{claim[1]} needs {claim[0]}, which is not claimed in this append")
