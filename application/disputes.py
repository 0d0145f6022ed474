"""Use case of disputes: what a payer's bank took is booked, and what it gave back; nobody here can refuse either.

What the user wants to withdraw, and nobody has approved, is cancelled first, in the same append.
"""

from collections.abc import Sequence

from application import streams
from application.commands import Body, Command, Envelope
from application.funding import booking, claim, claims_of, post_all
from application.ids import derive, namespace
from application.withdrawals import Acts
from application.work import Work
from domain.funding import entries
from domain.funding.deposit import Deposit, ReleaseReturn, ReserveReturn
from domain.funding.deposit_events import NotSettled
from domain.funding.deposit_events import Status as DepositStatus
from domain.funding.dispute import (
    Dispute,
    DisputeChargedBack,
    DisputeEvent,
    DisputeLost,
    DisputeOpened,
    DisputeWon,
    RecordDispute,
)
from domain.ids import DisputeId
from domain.payments import BalanceMovement, DisputeFact
from domain.withdrawals.commands import CancelWithdrawal
from domain.withdrawals.terms import Status as WithdrawalStatus
from domain.withdrawals.withdrawal import Withdrawal

_DISPUTES = namespace("dispute")


def dispute_id(tenant: str, provider: str, object_id: str) -> DisputeId:
    """Return our id of a provider's dispute."""
    return DisputeId(derive(_DISPUTES, tenant, provider, object_id))


def record_dispute(
    envelope: Envelope, known: Deposit, fact: DisputeFact, *, withdrawals: Sequence[Withdrawal] = ()
) -> Command:
    """Return the command that takes over a dispute as the provider has it, and books all that is new about it.

    Those of the user's `withdrawals` that are still open then are cancelled before money is taken.
    """
    acts = [Acts.on(envelope, withdrawal) for withdrawal in withdrawals]
    tenant = envelope.tenant
    id = dispute_id(tenant, fact.provider, fact.id)
    stream, deposit = streams.dispute(tenant, id), streams.deposit(tenant, known.deposit)

    def decide(work: Work) -> Body:
        of: Deposit = work.state(deposit)
        if of.status is not DepositStatus.SETTLED:
            raise NotSettled(status=of.status)
        for event in work.run(stream, RecordDispute(dispute=id, tenant=tenant, deposit=of, fact=fact)):
            if isinstance(event, DisputeChargedBack):
                _cancel(work, acts)
            _book(work, envelope, of=of, event=event)
        dispute: Dispute = work.state(stream)
        return {"id": id, "status": dispute.status.value}

    claims = claims_of(envelope, fact.provider, fact.taken, fact.returned)
    cancelled = (read for act in acts for read in act.reads)
    reads = tuple(dict.fromkeys((stream, deposit, streams.book(tenant, known.user), *claims, *cancelled)))
    return Command(name="record_dispute", envelope=envelope, reads=reads, decide=decide)


def _cancel(work: Work, acts: Sequence[Acts]) -> None:
    """Cancel what is open: what is on hold would otherwise leave, and be owed."""
    for act in acts:
        if work.state(act.stream).status is WithdrawalStatus.REQUESTED:
            act.undo(work, CancelWithdrawal(by=act.envelope.actor, occurred_at=act.envelope.now))


def _book(work: Work, envelope: Envelope, *, of: Deposit, event: DisputeEvent) -> None:
    """Post what an event of a dispute stands for, and count what has gone back of the deposit."""
    deposit, tenant = streams.deposit(envelope.tenant, of.deposit), envelope.tenant
    match event:
        case DisputeOpened(dispute=dispute, amount=amount):
            work.run(deposit, ReserveReturn(by=dispute, amount=amount, taken=True))
        case DisputeChargedBack(movement=movement, settled=settled, fee=fee):
            # An inquiry that was closed has set nothing aside any more; a bank may take the money all the same.
            amount = work.state(streams.dispute(tenant, event.dispute)).amount
            work.run(deposit, ReserveReturn(by=event.dispute, amount=amount, taken=True))
            _move(work, envelope, of=of, event=event, line=BalanceMovement(id=movement, settled=settled, fee=fee))
        case DisputeWon(movement=movement, settled=settled, fee=fee):
            if movement is not None and settled is not None and fee is not None:
                _move(work, envelope, of=of, event=event, line=BalanceMovement(id=movement, settled=settled, fee=fee))
            work.run(streams.deposit(tenant, of.deposit), ReleaseReturn(by=event.dispute))
        case DisputeLost():
            pass


def _move(
    work: Work, envelope: Envelope, *, of: Deposit, event: DisputeChargedBack | DisputeWon, line: BalanceMovement
) -> None:
    dispute: Dispute = work.state(streams.dispute(envelope.tenant, event.dispute))
    claim(work, envelope, line.id, source=of.provider, by=event.dispute)
    made = (entries.chargeback if isinstance(event, DisputeChargedBack) else entries.dispute_won)(
        booking(envelope, event.dispute, movement=line.id, occurred_at=event.occurred_at),
        work.state(streams.book(envelope.tenant, of.user)),
        user=of.user,
        provider=of.provider,
        amount=dispute.amount,
        movement=line,
    )
    post_all(work, envelope, made)
