"""What use cases of deposits, refunds, disputes, payouts and receipts share: claims, entries, and later steps."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from application import entries, streams
from application.commands import Envelope
from application.ids import COMMANDS, ENTRIES, derive
from application.work import Work
from domain.claims import OutsideFactBooked
from domain.funding.entries import Booking
from domain.ids import EntryId
from domain.ledger.entry import JournalEntry
from domain.payments import BalanceMovement


def booking(envelope: Envelope, reference: str, *, movement: str = "", occurred_at: datetime) -> Booking:
    """Return what the entries of one step share. Their ids derive from what they are: posted once come what may."""
    return Booking(
        reference=reference,
        occurred_at=occurred_at,
        effective_at=envelope.now,
        id_of=lambda kind: EntryId(derive(ENTRIES, envelope.tenant, reference, kind, movement)),
    )


def post_all(work: Work, envelope: Envelope, made: Iterable[JournalEntry]) -> None:
    """Post entries in their order."""
    for entry in made:
        entries.post(work, envelope, entry)


def claim(work: Work, envelope: Envelope, movement: str, *, source: str, by: str) -> None:
    """Book a line of an outside account once. Raises `AlreadyBooked`; `claims_of` must be among the reads."""
    stream = streams.outside_fact(envelope.tenant, source, movement)
    work.run(stream, OutsideFactBooked(source=source, movement=movement, by=by))


def claims_of(envelope: Envelope, source: str, *movements: BalanceMovement | None) -> tuple[str, ...]:
    """Return the streams that let lines of a provider's account be booked once."""
    return tuple(streams.outside_fact(envelope.tenant, source, one.id) for one in movements if one is not None)


def following(envelope: Envelope, step: str) -> Envelope:
    """Return the envelope of a later step of the same request: derived, so that a retry meets what it did before."""
    command_id = derive(COMMANDS, envelope.command_id, step)
    return replace(envelope, command_id=command_id, key=command_id, input_hash=command_id * 2)
