"""Use cases of refunds: money is held and on record first, then the provider is asked, then what it says is booked."""

from collections.abc import Iterator, Mapping

from application import entries as posting
from application import streams
from application.actors import actor_streams, require_actor
from application.commands import Body, Command, Done, Envelope
from application.committer import Committer
from application.funding import booking, claim, claims_of, following, post_all
from application.ports import Payments, ProviderRefused, ProviderSilent, RefundRequest
from application.work import Work
from domain.funding import entries
from domain.funding.deposit import Deposit, RecordRefusal, RecordSilence, ReleaseReturn, ReserveReturn
from domain.funding.deposit_events import NotSettled
from domain.funding.deposit_events import Status as DepositStatus
from domain.funding.entries import Booking
from domain.funding.refund import (
    RecordRefund,
    Refund,
    RefundEvent,
    RefundFailed,
    RefundSettled,
    RequestRefund,
    Status,
    UnknownRefund,
)
from domain.ids import RefundId
from domain.ledger.entry import JournalEntry
from domain.money import Amount
from domain.payments import BalanceMovement, RefundFact

_REVERSED = ("refund_settled", "provider_exchange")
"""What is undone where a refund comes back; the provider's fee for having tried is not."""


def request_refund(envelope: Envelope, refund: RefundId, *, of: Deposit, amount: Amount | None = None) -> Command:
    """Return the command that holds what shall go back of a deposit: an amount, or all that is left of it.

    Refused are one's own, a deposit that is not settled, more than is left of it, and more than the wallet holds.
    """
    tenant, now = envelope.tenant, envelope.now
    stream, deposit, book = (
        streams.refund(tenant, refund),
        streams.deposit(tenant, of.deposit),
        streams.book(tenant, of.user),
    )

    def decide(work: Work) -> Body:
        require_actor(work, envelope)
        known: Deposit = work.state(deposit)
        if known.payment is None or known.status is not DepositStatus.SETTLED:
            raise NotSettled(status=known.status)
        wanted = RequestRefund(
            refund=refund,
            deposit=known.deposit,
            user=known.user,
            provider=known.provider,
            payment=known.payment,
            amount=known.left if amount is None else amount,
            by=envelope.actor,
            occurred_at=now,
        )
        work.run(stream, wanted)
        work.run(deposit, ReserveReturn(by=refund, amount=wanted.amount))
        step = booking(envelope, refund, occurred_at=now)
        post_all(work, envelope, entries.refund_requested(step, user=known.user, amount=wanted.amount))
        return _body(work, stream)

    reads = tuple(dict.fromkeys((*actor_streams(envelope), stream, deposit, book)))
    return Command(name="request_refund", envelope=envelope, reads=reads, decide=decide)


async def find_refund(committer: Committer, tenant: str, refund: str) -> Refund:
    """Find a refund as it stands. Raises `UnknownRefund`."""
    known: Refund | None = (await committer.state(streams.refund(tenant, refund))).state
    if known is None:
        raise UnknownRefund
    return known


async def ask_for_refund(
    committer: Committer, providers: Mapping[str, Payments], envelope: Envelope, *, refund: str
) -> Done:
    """Ask its provider to pay back a refund that is on record, and record what it says. `envelope` as for deposits."""
    known = await find_refund(committer, envelope.tenant, refund)
    step = following(envelope, "answer")
    payments = providers.get(known.provider)
    if known.status is not Status.REQUESTED or payments is None:
        return await committer.submit(_look_at(step, known))
    wanted = RefundRequest(tenant=envelope.tenant, id=known.refund, payment=known.payment, amount=known.amount)
    try:
        fact = await payments.create_refund(wanted)
    except ProviderRefused as refused:
        return await committer.submit(record_refund_refusal(step, known, refused.reason))
    except ProviderSilent:
        return await committer.submit(record_refund_silence(step, known))
    return await committer.submit(record_refund(step, known, fact))


def record_refund(envelope: Envelope, known: Refund, fact: RefundFact) -> Command:
    """Return the command that takes over a refund as the provider has it, and books what is new about it."""
    said = RecordRefund(tenant=envelope.tenant, fact=fact)
    return _recorded(envelope, known, said, claims=claims_of(envelope, known.provider, fact.movement))


def record_refund_refusal(envelope: Envelope, known: Refund, reason: str) -> Command:
    """Return the command that gives the held money back: the provider will not pay it out."""
    return _recorded(envelope, known, RecordRefusal(reason=reason, occurred_at=envelope.now))


def record_refund_silence(envelope: Envelope, known: Refund) -> Command:
    """Return the command that records that nobody knows what the provider did: the money stays on hold."""
    return _recorded(envelope, known, RecordSilence(occurred_at=envelope.now))


def _recorded(
    envelope: Envelope,
    known: Refund,
    said: RecordRefund | RecordRefusal | RecordSilence,
    *,
    claims: tuple[str, ...] = (),
) -> Command:
    tenant = envelope.tenant
    stream = streams.refund(tenant, known.refund)
    id_of = booking(envelope, known.refund, occurred_at=envelope.now).id_of
    reads = (
        stream,
        streams.deposit(tenant, known.deposit),
        streams.book(tenant, known.user),
        *claims,
        *(streams.reversal(tenant, id_of(kind)) for kind in _REVERSED),
    )

    def decide(work: Work) -> Body:
        before: Refund = work.state(stream)
        for event in work.run(stream, said):
            _book(work, envelope, refund=before, event=event)
        return _body(work, stream)

    return Command(name="record_refund", envelope=envelope, reads=reads, decide=decide)


def _book(work: Work, envelope: Envelope, *, refund: Refund, event: RefundEvent) -> None:
    """Post what an event of a refund stands for; one that came back after all is reversed before it is given back."""
    step = booking(envelope, refund.refund, occurred_at=event.occurred_at)
    match event:
        case RefundSettled(movement=movement):
            claim(work, envelope, movement, source=refund.provider, by=refund.refund)
            line = BalanceMovement(id=movement, settled=event.settled, fee=event.fee)
            post_all(work, envelope, _settled(step, refund, line))
        case RefundFailed():
            if refund.movement is not None:
                for entry in reversed([*_settled(step, refund, refund.movement)]):
                    if entry.kind in _REVERSED:
                        posting.reverse(work, envelope, entry)
            book = work.state(streams.book(envelope.tenant, refund.user))
            post_all(work, envelope, entries.refund_failed(step, book, user=refund.user, amount=refund.amount))
            work.run(streams.deposit(envelope.tenant, refund.deposit), ReleaseReturn(by=refund.refund))
        case _:
            pass


def _settled(step: Booking, refund: Refund, line: BalanceMovement) -> Iterator[JournalEntry]:
    return entries.refund_settled(step, user=refund.user, provider=refund.provider, amount=refund.amount, movement=line)


def _look_at(envelope: Envelope, known: Refund) -> Command:
    stream = streams.refund(envelope.tenant, known.refund)
    return Command(name="record_refund", envelope=envelope, reads=(stream,), decide=lambda work: _body(work, stream))


def _body(work: Work, stream: str) -> Body:
    refund: Refund = work.state(stream)
    return {
        "id": refund.refund,
        "deposit": refund.deposit,
        "status": refund.status.value,
        "amount": refund.amount.as_data(),
    }
