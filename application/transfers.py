"""The use case of transfers: the fact and both entries in one append, so that money is never on its way."""

from application import entries, streams
from application.actors import actor_streams, require_actor
from application.commands import Body, Command, Envelope
from application.ids import ENTRIES, derive
from application.work import Work
from domain import transfers
from domain.ids import EntryId, TransferId, UserId
from domain.money import Amount
from domain.transfers import MakeTransfer
from domain.users import Status, UnknownUser, User


def make_transfer(envelope: Envelope, transfer: TransferId, recipient: UserId, *, amount: Amount, note: str) -> Command:
    """Return the command that sends an amount from the actor to another user of the tenant."""
    tenant, sender = envelope.tenant, UserId(envelope.actor)
    stream, person = streams.transfer(tenant, transfer), streams.user(tenant, recipient)
    books = streams.book(tenant, sender), streams.book(tenant, recipient)

    def decide(work: Work) -> Body:
        require_actor(work, envelope)
        known = work.state(person)
        if not isinstance(known, User):
            raise UnknownUser(user=recipient)
        command = MakeTransfer(
            transfer=transfer,
            sender=sender,
            recipient=recipient,
            amount=amount,
            note=note,
            recipient_is_active=known.status is Status.ACTIVE,
            occurred_at=envelope.now,
        )
        for made in work.run(stream, command):
            posted = transfers.entries(
                made,
                work.state(books[1]),
                effective_at=envelope.now,
                id_of=lambda owner: EntryId(derive(ENTRIES, transfer, owner)),
            )
            for entry in posted:
                entries.post(work, envelope, entry)
        return {"id": transfer}

    reads = (*actor_streams(envelope), stream, person, *books)
    return Command(name="make_transfer", envelope=envelope, reads=tuple(dict.fromkeys(reads)), decide=decide, weight=3)
