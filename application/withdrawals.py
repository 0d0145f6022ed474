"""Use cases of withdrawals: each appends the withdrawal's event and its entries together, or nothing.

Whose withdrawal it is never changes, so it is looked up before the command; everything else is decided inside.
"""

from collections.abc import Callable
from dataclasses import dataclass

from application import entries, streams
from application.actors import actor_streams, require_actor
from application.commands import Body, Command, Envelope
from application.committer import Committer
from application.ids import ENTRIES, derive
from application.work import Work
from domain.destinations import usable_by
from domain.ids import DestinationId, EntryId, UserId, WithdrawalId
from domain.ledger.accounts import Bucket
from domain.money import Amount
from domain.users import Status as UserStatus
from domain.users import User
from domain.withdrawals import entries as rows
from domain.withdrawals.commands import (
    ApproveWithdrawal,
    CancelWithdrawal,
    FailWithdrawal,
    PayWithdrawal,
    RejectWithdrawal,
    RequestWithdrawal,
    ReturnWithdrawal,
)
from domain.withdrawals.errors import OwnerNotActive, UnknownWithdrawal
from domain.withdrawals.limits import check_limits, check_nothing_owed
from domain.withdrawals.terms import Terms
from domain.withdrawals.withdrawal import Withdrawal

Undo = CancelWithdrawal | RejectWithdrawal | FailWithdrawal | ReturnWithdrawal


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What the bank took for a withdrawal that came back, and the account of ours that it took it from."""

    amount: Amount
    bank: str


def request_withdrawal(
    envelope: Envelope,
    withdrawal: WithdrawalId,
    *,
    user: UserId,
    destination: DestinationId,
    bucket: Bucket,
    amount: Amount,
    terms: Terms,
) -> Command:
    """Return the command that holds an amount to be withdrawn, if destination, debts, limits and funds allow it."""
    tenant, now = envelope.tenant, envelope.now
    stream, book = streams.withdrawal(tenant, withdrawal), streams.book(tenant, user)
    where = streams.destination(tenant, destination)

    def decide(work: Work) -> Body:
        require_actor(work, envelope)
        to = usable_by(work.state(where), user, asset=amount.asset, at=now)
        request = RequestWithdrawal(
            withdrawal=withdrawal,
            user=user,
            destination=destination,
            rail=to.kind,
            bucket=bucket,
            amount=amount,
            terms=terms,
            entry=_entry_id(withdrawal, "requested"),
            occurred_at=now,
        )
        work.run(stream, request)
        check_limits(work.state(book), user, bucket=bucket, amount=amount, terms=terms, now=now)
        entries.post(work, envelope, rows.requested(work.state(stream), now))
        return _body(work, stream)

    reads = (*actor_streams(envelope), where, stream, book)
    return Command(name="request_withdrawal", envelope=envelope, reads=reads, decide=decide)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acts:
    """What can be done about a withdrawal inside an append whose command reads `reads`."""

    envelope: Envelope
    withdrawal: WithdrawalId
    user: UserId

    @classmethod
    def on(cls, envelope: Envelope, known: Withdrawal) -> "Acts":
        """Take from a withdrawal only what never changes."""
        return cls(envelope=envelope, withdrawal=known.withdrawal, user=known.user)

    @property
    def stream(self) -> str:
        """The withdrawal's stream."""
        return streams.withdrawal(self.envelope.tenant, self.withdrawal)

    @property
    def book(self) -> str:
        """The book of the withdrawal's user."""
        return streams.book(self.envelope.tenant, self.user)

    @property
    def owner(self) -> str:
        """The stream of the withdrawal's user."""
        return streams.user(self.envelope.tenant, self.user)

    @property
    def reads(self) -> tuple[str, ...]:
        """The withdrawal, its user's book and status, and the claims of the reversals of its entries."""
        posted = (_entry_id(self.withdrawal, step) for step in ("requested", "approved", "paid"))
        return (
            self.stream,
            self.book,
            self.owner,
            *(streams.reversal(self.envelope.tenant, entry) for entry in posted),
        )

    def command(self, name: str, act: Callable[[Work], Body]) -> Command:
        """Return the command of an act by whoever the envelope names."""

        def decide(work: Work) -> Body:
            require_actor(work, self.envelope)
            return act(work)

        reads = tuple(dict.fromkeys((*actor_streams(self.envelope), *self.reads)))
        return Command(name=name, envelope=self.envelope, reads=reads, decide=decide)

    def approve(self, work: Work, *, proposed_by: str | None = None) -> Body:
        """Approve it, for one person or as the second of two."""
        now = self.envelope.now
        approval = ApproveWithdrawal(
            by=self.envelope.actor,
            proposed_by=proposed_by,
            entry=_entry_id(self.withdrawal, "approved"),
            occurred_at=now,
        )
        work.run(self.stream, approval)
        owner = work.state(self.owner)
        if not isinstance(owner, User) or owner.status is not UserStatus.ACTIVE:
            raise OwnerNotActive(user=self.user)
        approved = work.state(self.stream)
        check_nothing_owed(work.state(self.book), approved.user, bucket=approved.bucket, amount=approved.amount)
        entries.post(work, self.envelope, rows.approved(approved, now))
        return _body(work, self.stream)

    def pay(self, work: Work, *, bank: str, reference: str, network_fee: Amount | None) -> Body:
        """Record that it was paid."""
        now, before = self.envelope.now, work.state(self.stream)
        payment = PayWithdrawal(
            by=self.envelope.actor,
            source=rows.source(before.rail, bank),
            reference=reference,
            network_fee=network_fee,
            entry=_entry_id(before.withdrawal, "paid"),
            occurred_at=now,
        )
        work.run(self.stream, payment)
        entries.post(work, self.envelope, rows.paid(work.state(self.stream), now))
        return _body(work, self.stream)

    def undo(self, work: Work, command: Undo, charge: Charge | None = None) -> Body:
        """End it by reversing every entry so far, newest first; what comes back pays what its user owes."""
        now = self.envelope.now
        work.run(self.stream, command)
        undone = work.state(self.stream)
        for entry in rows.posted(undone, now):
            entries.reverse(work, self.envelope, entry)
        collecting = _entry_id(undone.withdrawal, "collected")
        collected = rows.collected(undone, work.state(self.book), id=collecting, at=now)
        if collected is not None:
            entries.post(work, self.envelope, collected)
        if charge is not None:
            id = _entry_id(undone.withdrawal, "bank charge")
            entry = rows.bank_charge(undone, charge.amount, bank=charge.bank, id=id, at=now)
            entries.post(work, self.envelope, entry)
        return _body(work, self.stream)


async def find_withdrawal(committer: Committer, tenant: str, withdrawal: str) -> Withdrawal:
    """Find a withdrawal as it stands. Raises `UnknownWithdrawal`."""
    known: Withdrawal | None = (await committer.state(streams.withdrawal(tenant, withdrawal))).state
    if known is None:
        raise UnknownWithdrawal
    return known


def cancel_withdrawal(envelope: Envelope, known: Withdrawal) -> Command:
    """Return the command by which its user takes a request back, until it is approved."""
    acts, cancel = Acts.on(envelope, known), CancelWithdrawal(by=envelope.actor, occurred_at=envelope.now)
    return acts.command("cancel_withdrawal", lambda work: acts.undo(work, cancel))


def approve_withdrawal(envelope: Envelope, known: Withdrawal) -> Command:
    """Return the command by which one person approves it. Two are asked for larger ones: see proposals.py."""
    acts = Acts.on(envelope, known)
    return acts.command("approve_withdrawal", acts.approve)


def reject_withdrawal(envelope: Envelope, known: Withdrawal, *, reason: str) -> Command:
    """Return the command that refuses to pay what was asked for."""
    acts = Acts.on(envelope, known)
    reject = RejectWithdrawal(by=envelope.actor, reason=reason, occurred_at=envelope.now)
    return acts.command("reject_withdrawal", lambda work: acts.undo(work, reject))


def pay_withdrawal(
    envelope: Envelope, known: Withdrawal, *, bank: str, reference: str, network_fee: Amount | None = None
) -> Command:
    """Return the command that records a payment: `bank` names our account, or the venue that holds the coins."""
    acts = Acts.on(envelope, known)
    return acts.command(
        "pay_withdrawal", lambda work: acts.pay(work, bank=bank, reference=reference, network_fee=network_fee)
    )


def fail_withdrawal(envelope: Envelope, known: Withdrawal, *, reason: str, charge: Charge | None = None) -> Command:
    """Return the command that records that the bank could not pay."""
    acts = Acts.on(envelope, known)
    fail = FailWithdrawal(by=envelope.actor, reason=reason, occurred_at=envelope.now)
    return acts.command("fail_withdrawal", lambda work: acts.undo(work, fail, charge))


def return_withdrawal(envelope: Envelope, known: Withdrawal, *, reason: str, charge: Charge | None = None) -> Command:
    """Return the command that records that the payment came back."""
    acts = Acts.on(envelope, known)
    returned = ReturnWithdrawal(by=envelope.actor, reason=reason, occurred_at=envelope.now)
    return acts.command("return_withdrawal", lambda work: acts.undo(work, returned, charge))


def _entry_id(withdrawal: str, step: str) -> EntryId:
    """Derive an entry's id from what it is: posted once even if every other guard failed."""
    return EntryId(derive(ENTRIES, withdrawal, step))


def _body(work: Work, stream: str) -> Body:
    withdrawal: Withdrawal = work.state(stream)
    return {"id": withdrawal.withdrawal, "status": withdrawal.status.value}
