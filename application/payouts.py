"""Use case of payouts: a provider sends our money to our bank. A provider's account is one tenant's, its home."""

from application import entries as posting
from application import streams
from application.commands import Body, Command, Envelope
from application.funding import booking, claim, claims_of, post_all
from application.ids import derive, namespace
from application.work import Work
from domain.funding import entries
from domain.funding.payout import Payout, PayoutArrived, PayoutCreated, PayoutEvent, PayoutFailed, RecordPayout
from domain.ids import PayoutId
from domain.payments import PayoutFact

_PAYOUTS = namespace("payout")
_REVERSED = ("payout_arrived", "payout_created")


def payout_id(tenant: str, provider: str, object_id: str) -> PayoutId:
    """Return our id of a provider's payout."""
    return PayoutId(derive(_PAYOUTS, tenant, provider, object_id))


def record_payout(envelope: Envelope, fact: PayoutFact, *, bank: str) -> Command:
    """Return the command that takes over a payout to a bank as the provider has it, and books all that is new."""
    tenant = envelope.tenant
    id = payout_id(tenant, fact.provider, fact.id)
    stream = streams.payout(tenant, id)
    step = booking(envelope, id, occurred_at=fact.occurred_at)

    def decide(work: Work) -> Body:
        before: Payout | None = work.state(stream)
        for event in work.run(stream, RecordPayout(payout=id, bank=bank, fact=fact)):
            _book(work, envelope, arrived=before is not None and before.arrived, event=event)
        payout: Payout | None = work.state(stream)
        return {"id": id, "status": None if payout is None else payout.status.value}

    reversals = (streams.reversal(tenant, step.id_of(kind)) for kind in _REVERSED)
    reads = (stream, *claims_of(envelope, fact.provider, fact.movement), *reversals)
    return Command(name="record_payout", envelope=envelope, reads=reads, decide=decide)


def _book(work: Work, envelope: Envelope, *, arrived: bool, event: PayoutEvent) -> None:
    """Post what an event of a payout stands for; one that failed is reversed, newest entry first."""
    payout: Payout = work.state(streams.payout(envelope.tenant, event.payout))
    provider, amount = payout.provider, payout.amount
    step = booking(envelope, payout.payout, occurred_at=event.occurred_at)
    created = entries.payout_created(step, provider=provider, amount=amount, fee=payout.movement.fee)
    arrival = entries.payout_arrived(step, provider=provider, bank=payout.bank, amount=amount)
    match event:
        case PayoutCreated(movement=movement):
            claim(work, envelope, movement, source=provider, by=payout.payout)
            post_all(work, envelope, created)
        case PayoutArrived():
            post_all(work, envelope, arrival)
        case PayoutFailed():
            undone = (*(arrival if arrived else ()), *created)
            for entry in undone:
                if entry.kind in _REVERSED:
                    posting.reverse(work, envelope, entry)
