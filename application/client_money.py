"""Use case of client money: a move between our account and our customers', booked once per reference of the bank."""

from application import streams
from application.actors import actor_streams, require_actor
from application.commands import Body, Command, Envelope
from application.entries import post
from application.work import Work
from domain.funding import client_money
from domain.funding.client_money import MoveClientMoney
from domain.funding.entries import Booking
from domain.ledger.entry import JournalEntry, ReferenceClaimed


def move_client_money(envelope: Envelope, move: MoveClientMoney) -> Command:
    """Return the command that books a move. Raises `DuplicateReference` when decided."""

    def decide(work: Work) -> Body:
        require_actor(work, envelope)
        return perform_move(work, envelope, move)

    reads = (*actor_streams(envelope), *reads_of_move(envelope, move))
    return Command(name="move_client_money", envelope=envelope, reads=reads, decide=decide)


def perform_move(work: Work, envelope: Envelope, move: MoveClientMoney) -> Body:
    """Book a move inside an append whose command reads `reads_of_move`."""
    made = entry_of_move(envelope, move)
    (claim,) = reads_of_move(envelope, move)
    work.run(claim, ReferenceClaimed(kind=made.kind, reference=made.reference, entry=made.id))
    post(work, envelope, made)
    return {"id": made.id}


def reads_of_move(envelope: Envelope, move: MoveClientMoney) -> tuple[str, ...]:
    """Return the stream that lets a bank's reference be booked once."""
    return (streams.reference(envelope.tenant, move.direction.value, move.reference),)


def entry_of_move(envelope: Envelope, move: MoveClientMoney) -> JournalEntry:
    """Return the entry of a move. Raises what the request alone shows to be wrong (`Invalid`)."""
    step = Booking(
        reference=move.reference,
        occurred_at=move.occurred_at,
        effective_at=envelope.now,
        id_of=lambda _: move.entry,
    )
    return client_money.entry(step, move)
