"""Claims against what they stand for: references and reversals against entries, e-mail addresses against users.

A claim is taken in the append of the thing it is for, so every append is judged by itself: it has the claims it needs
and no others.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from application import streams
from application.log import Recorded
from domain.claims import EmailClaimed
from domain.ledger.entry import EntryPosted, EntryReversed, JournalEntry, ReferenceClaimed
from domain.ledger.flows import FLOWS
from domain.users import UserRegistered
from interfaces.audit.findings import Tallies, Tally

CHECKS = ("claims",)

Claim = tuple[str, str]
"""What is claimed, as the stream that makes it unique, and for whom. An address is known to the vault only."""
Claims = dict[Claim, int]

_EMAIL = "an e-mail address"


def check_claims(facts: Sequence[tuple[Recorded, Any]], tallies: Tallies) -> None:
    """Look at each append of these events; they end where an append ends."""
    with tallies.timed("claims") as tally:
        taken: Claims = {}
        needed: Claims = {}
        for recorded, event in facts:
            _note(recorded, event, taken=taken, needed=needed, tally=tally)
            if (taken or needed) and recorded.ends_append:
                _compare(taken, needed, tally)
                taken, needed = {}, {}


def _note(recorded: Recorded, event: Any, *, taken: Claims, needed: Claims, tally: Tally) -> None:  # noqa: ANN401 - of any kind
    """Write down which claim an event takes, or needs."""
    tenant, position = recorded.tenant, recorded.log_position
    match event:
        case EntryPosted(entry=entry):
            needed.update((claim, position) for claim in _needed(tenant, entry))
        case ReferenceClaimed(kind=kind, reference=reference, entry=claimant):
            taken[streams.reference(tenant, kind, reference), claimant] = position
            _check_stream(recorded, streams.reference(tenant, kind, reference), tally)
        case EntryReversed(entry=original, reversal=claimant):
            taken[streams.reversal(tenant, original), claimant] = position
            _check_stream(recorded, streams.reversal(tenant, original), tally)
        case EmailClaimed(user=user):
            taken[_EMAIL, user] = position
        case UserRegistered(user=user):
            needed[_EMAIL, user] = position
        case _:
            pass


def _needed(tenant: str, entry: JournalEntry) -> Iterator[Claim]:
    """Yield what an entry must claim: its original, or a person's explicit reference. A flow's are its own affair."""
    if entry.reverses is not None:
        yield streams.reversal(tenant, entry.reverses), entry.id
    elif entry.reference != entry.id and entry.kind not in FLOWS:
        yield streams.reference(tenant, entry.kind, entry.reference), entry.id


def _check_stream(recorded: Recorded, named: str, tally: Tally) -> None:
    if recorded.stream != named:
        tally.find(recorded.log_position, f"what it claims belongs to {named}, but it lies in {recorded.stream}")


def _compare(taken: Claims, needed: Claims, tally: Tally) -> None:
    tally.count("claims", len(taken))
    for claim, position in taken.items():
        if claim not in needed:
            tally.find(position, f"{claim[0]} is claimed for {claim[1]}, who has no use for it in this append")
    for claim, position in needed.items():
        if claim not in taken:
            tally.find(position, f"{claim[1]} needs {claim[0]}, which is not claimed in this append")
