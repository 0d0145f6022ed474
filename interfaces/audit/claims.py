"""Claims against what they stand for: references and reversals against entries, e-mail addresses against users.

A claim is taken in the append of the thing it is for, so every append is judged by itself: it has the claims it needs
and no others.
"""

from collections.abc import Sequence

from application import streams
from domain.claims import EmailClaimed
from domain.ledger.entry import EntryPosted, EntryReversed, ReferenceClaimed
from domain.ledger.flows import FLOWS
from domain.users import UserRegistered
from interfaces.audit.facts import Fact
from interfaces.audit.findings import Tally

CHECKS = ("claims",)

Claim = tuple[str, str]
"""What is claimed, as the stream that makes it unique, and for whom. An address is known to the vault only."""
Claims = dict[Claim, int]

_EMAIL = "an e-mail address"


def check_claims(facts: Sequence[Fact], tally: Tally) -> None:
    """Look at each append of these events; they end where an append ends."""
    taken: Claims = {}
    needed: Claims = {}
    for fact in facts:
        needs = _needed(fact)
        if needs is not None:
            needed[needs] = fact.log_position
        takes = _taken(fact)
        if takes is not None:
            taken[takes] = fact.log_position
            if takes[0] not in {fact.stream, _EMAIL}:
                tally.find(fact.log_position, f"what it claims belongs to {takes[0]}, but it lies in {fact.stream}")
        if (taken or needed) and fact.ends_append:
            _compare(taken, needed, tally)
            taken, needed = {}, {}


def _needed(fact: Fact) -> Claim | None:
    """Return what an event must claim: a reversal its original, a person's entry its explicit reference, a user."""
    match fact.event:
        case EntryPosted(entry=entry) if entry.reverses is not None:
            return streams.reversal(fact.tenant, entry.reverses), entry.id
        case EntryPosted(entry=entry) if entry.reference != entry.id and entry.kind not in FLOWS:
            return streams.reference(fact.tenant, entry.kind, entry.reference), entry.id
        case UserRegistered(user=user):
            return _EMAIL, user
        case _:
            return None


def _taken(fact: Fact) -> Claim | None:
    """Return what an event claims."""
    match fact.event:
        case ReferenceClaimed(kind=kind, reference=reference, entry=claimant):
            return streams.reference(fact.tenant, kind, reference), claimant
        case EntryReversed(entry=original, reversal=claimant):
            return streams.reversal(fact.tenant, original), claimant
        case EmailClaimed(user=user):
            return _EMAIL, user
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
