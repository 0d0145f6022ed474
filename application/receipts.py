"""Use cases of receipts: money at the bank of which nobody knows whose it is, and who finds out."""

from application import streams
from application.actors import actor_streams, require_actor
from application.commands import Body, Command, Envelope
from application.committer import Committer
from application.funding import booking, claim, post_all
from application.work import Work
from domain.funding import entries
from domain.funding.receipt import IdentifyReceipt, Receipt, RecordReceipt, UnknownReceipt
from domain.ids import UserId
from domain.users import UnknownUser, User


def record_receipt(envelope: Envelope, receipt: RecordReceipt) -> Command:
    """Return the command that books a line of a bank's statement into suspense. Raises `AlreadyBooked` when decided."""
    stream = streams.receipt(envelope.tenant, receipt.receipt)
    source = f"bank:{receipt.bank}"

    def decide(work: Work) -> Body:
        require_actor(work, envelope)
        work.run(stream, receipt)
        claim(work, envelope, receipt.line, source=source, by=receipt.receipt)
        step = booking(envelope, receipt.receipt, occurred_at=receipt.occurred_at)
        post_all(work, envelope, entries.receipt_unidentified(step, bank=receipt.bank, amount=receipt.amount))
        return {"id": receipt.receipt}

    reads = (*actor_streams(envelope), stream, streams.outside_fact(envelope.tenant, source, receipt.line))
    return Command(name="record_receipt", envelope=envelope, reads=reads, decide=decide)


async def find_receipt(committer: Committer, tenant: str, receipt: str) -> Receipt:
    """Find a receipt as it stands. Raises `UnknownReceipt`."""
    known: Receipt | None = (await committer.state(streams.receipt(tenant, receipt))).state
    if known is None:
        raise UnknownReceipt
    return known


def identify_receipt(envelope: Envelope, known: Receipt, *, user: UserId) -> Command:
    """Return the command that gives a receipt to its owner. Raises `UnknownUser`, `AlreadyIdentified`."""
    tenant, now = envelope.tenant, envelope.now
    stream, book, owner = streams.receipt(tenant, known.receipt), streams.book(tenant, user), streams.user(tenant, user)

    def decide(work: Work) -> Body:
        require_actor(work, envelope)
        if not isinstance(work.state(owner), User):
            raise UnknownUser(user=user)
        work.run(stream, IdentifyReceipt(user=user, by=envelope.actor, occurred_at=now))
        step = booking(envelope, known.receipt, occurred_at=now)
        made = entries.receipt_identified(step, work.state(book), user=user, bank=known.bank, amount=known.amount)
        post_all(work, envelope, made)
        return {"id": known.receipt, "user": user}

    reads = tuple(dict.fromkeys((*actor_streams(envelope), owner, stream, book)))
    return Command(name="identify_receipt", envelope=envelope, reads=reads, decide=decide)
