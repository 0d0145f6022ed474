"""Use cases of proposals: what needs two people is proposed by one and done, in one append, when another approves.

What an act reads and does comes from its own subject; nothing here knows more of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from application import streams
from application.actors import actor_streams, require_actor
from application.client_money import entry_of_move, perform_move, reads_of_move
from application.commands import Body, Command, Envelope
from application.committer import Committer
from application.ledger import Manual
from application.timers import set_timer, timer_of
from application.withdrawals import Acts
from application.work import Work
from application.write_offs import (
    perform_estimate,
    perform_giving_up,
    reads_of_estimate,
    reads_of_giving_up,
)
from domain.four_eyes import require_user
from domain.funding.allowance import Estimate
from domain.funding.client_money import MoveClientMoney
from domain.funding.write_off import GivingUp
from domain.ids import ProposalId
from domain.ledger.entry import JournalEntry
from domain.proposals import (
    Act,
    ApproveProposal,
    ExpireProposal,
    ManualEntry,
    Proposal,
    Propose,
    RejectProposal,
    UnknownProposal,
    WithdrawalApproval,
)
from domain.timers import TimerKind
from domain.users import User, require_active
from domain.withdrawals.errors import WithdrawalTransitionRefused
from domain.withdrawals.terms import Status
from domain.withdrawals.withdrawal import Withdrawal


def propose_approval(envelope: Envelope, known: Withdrawal, proposal: ProposalId) -> Command:
    """Return the command by which the first of two people wants a large withdrawal approved."""
    acts = Acts.on(envelope, known)
    act = WithdrawalApproval(withdrawal=known.withdrawal, user=known.user, amount=known.amount)

    def check(work: Work) -> None:
        status = work.state(acts.stream).status
        if status is not Status.REQUESTED:
            raise WithdrawalTransitionRefused(status=status, wanted=Status.APPROVED)

    return _propose(envelope, proposal, act, reads=(acts.stream,), check=check)


def propose_entry(envelope: Envelope, entry: JournalEntry, proposal: ProposalId) -> Command:
    """Return the command by which the first of two people wants a large entry posted.

    Raises what the request alone shows to be wrong (`Invalid`); what needs state is decided when it is approved.
    """
    Manual.of(envelope, entry)
    return _propose(envelope, proposal, ManualEntry(entry=entry))


def propose_operation(
    envelope: Envelope, wanted: MoveClientMoney | GivingUp | Estimate, proposal: ProposalId
) -> Command:
    """Return the command by which the first of two people wants a large operation of finance done.

    Raises what the request alone shows to be wrong (`Invalid`); what needs state is decided when it is approved.
    """
    if isinstance(wanted, MoveClientMoney):
        entry_of_move(envelope, wanted)
    return _propose(envelope, proposal, wanted)


async def find_proposal(committer: Committer, tenant: str, proposal: str) -> Proposal:
    """Find a proposal as it stands. Raises `UnknownProposal`."""
    known: Proposal | None = (await committer.state(streams.proposal(tenant, proposal))).state
    if known is None:
        raise UnknownProposal
    return known


def approve_proposal(envelope: Envelope, known: Proposal) -> Command:
    """Return the command by which the second person approves a proposal, and so does the act."""
    require_user(envelope.actor)
    stream = streams.proposal(envelope.tenant, known.proposal)
    deed = _deed(envelope, known)

    def decide(work: Work) -> Body:
        user = _second_person(work, envelope)
        approve = ApproveProposal(by=envelope.actor, roles=user.roles, occurred_at=envelope.now)
        work.run(stream, approve)
        done = deed.perform(work)
        return {"id": known.proposal, "status": work.state(stream).status.value, "result": done}

    reads = tuple(dict.fromkeys((*actor_streams(envelope), stream, *deed.reads)))
    return Command(name="approve_proposal", envelope=envelope, reads=reads, decide=decide)


def reject_proposal(envelope: Envelope, known: Proposal, *, reason: str) -> Command:
    """Return the command by which the second person says no."""
    require_user(envelope.actor)
    stream = streams.proposal(envelope.tenant, known.proposal)

    def decide(work: Work) -> Body:
        user = _second_person(work, envelope)
        work.run(stream, RejectProposal(by=envelope.actor, roles=user.roles, reason=reason, occurred_at=envelope.now))
        return {"id": known.proposal, "status": work.state(stream).status.value}

    return Command(name="reject_proposal", envelope=envelope, reads=(*actor_streams(envelope), stream), decide=decide)


def expire_proposal(envelope: Envelope, proposal: ProposalId) -> Command:
    """Return the command that closes a proposal whose time is over; any other is nothing to do."""
    stream = streams.proposal(envelope.tenant, proposal)

    def decide(work: Work) -> Body:
        work.run(stream, ExpireProposal(occurred_at=envelope.now))
        return {"id": proposal, "status": work.state(stream).status.value}

    return Command(name="expire_proposal", envelope=envelope, reads=(stream,), decide=decide)


def _propose(
    envelope: Envelope,
    proposal: ProposalId,
    act: Act,
    *,
    reads: tuple[str, ...] = (),
    check: Callable[[Work], None] = lambda _: None,
) -> Command:
    stream = streams.proposal(envelope.tenant, proposal)

    def decide(work: Work) -> Body:
        require_actor(work, envelope)
        check(work)
        work.run(stream, Propose(proposal=proposal, act=act, by=envelope.actor, occurred_at=envelope.now))
        made: Proposal = work.state(stream)
        set_timer(work, envelope.tenant, TimerKind.PROPOSAL, subject=proposal, due_at=made.expires_at)
        return {"proposal": {"id": proposal, "status": made.status.value, "expires_at": made.expires_at.isoformat()}}

    timer = timer_of(envelope.tenant, TimerKind.PROPOSAL, proposal)
    reads = (*actor_streams(envelope), stream, timer, *reads)
    return Command(name="propose", envelope=envelope, reads=reads, decide=decide)


@dataclass(frozen=True, slots=True)
class _Deed:
    """What approving does, and the streams it reads."""

    reads: tuple[str, ...]
    perform: Callable[[Work], Body]


def _deed(envelope: Envelope, known: Proposal) -> _Deed:
    match known.act:
        case WithdrawalApproval(withdrawal=withdrawal, user=user):
            acts = Acts(envelope=envelope, withdrawal=withdrawal, user=user)
            return _Deed(acts.reads, lambda work: acts.approve(work, proposed_by=known.by))
        case ManualEntry(entry=entry):
            manual = Manual.of(envelope, entry)

            def post(work: Work) -> Body:
                manual.post(work, envelope.now)
                return {"id": entry.id, "book": streams.id_of(manual.book)}

            return _Deed(tuple(manual.reads), post)
        case MoveClientMoney() as move:
            return _Deed(reads_of_move(envelope, move), lambda work: perform_move(work, envelope, move))
        case GivingUp() as wanted:
            reads = reads_of_giving_up(envelope, wanted)
            return _Deed(reads, lambda work: perform_giving_up(work, envelope, wanted))
        case Estimate() as estimate:
            reads = reads_of_estimate(envelope, estimate)
            return _Deed(reads, lambda work: perform_estimate(work, envelope, estimate))
        case _:
            assert_never(known.act)


def _second_person(work: Work, envelope: Envelope) -> User:
    return require_active(work.state(streams.user(envelope.tenant, envelope.actor)), envelope.actor)
