"""Proposals: acts that need a second person. One proposes, another with the role approves or rejects, within a day.

What an act does once it is approved is decided by its own subject, in the same append; a proposal whose act is refused
then stays open.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar, assert_never

from domain.errors import Forbidden, NotFound, Refused
from domain.four_eyes import require_other, require_user
from domain.funding.allowance import Estimate
from domain.funding.client_money import MoveClientMoney
from domain.funding.write_off import GivingUp
from domain.ids import ProposalId, UserId, WithdrawalId
from domain.ledger.book import owner_of
from domain.ledger.entry import JournalEntry
from domain.money import Amount
from domain.texts import check_text
from domain.users import Role

LIFE = timedelta(hours=24)
"""How long a proposal may be approved (CONTRACT, Tenants, users, roles)."""


class Status(StrEnum):
    """Where a proposal stands; all but the first are final."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"


@dataclass(kw_only=True, eq=False)
class UnknownProposal(NotFound):
    """There is no such proposal."""

    code: ClassVar[str] = "unknown_proposal"
    sentence: ClassVar[str] = "There is no such proposal."


@dataclass(kw_only=True, eq=False)
class ProposalExists(Refused):
    """The proposal was made already."""

    code: ClassVar[str] = "proposal_exists"
    sentence: ClassVar[str] = "The proposal was made already."
    proposal: str


@dataclass(kw_only=True, eq=False)
class ProposalClosed(Refused):
    """The proposal was decided before."""

    code: ClassVar[str] = "proposal_closed"
    sentence: ClassVar[str] = "The proposal is decided already."
    status: Status


@dataclass(kw_only=True, eq=False)
class ProposalTooOld(Refused):
    """Nobody approved the proposal in time."""

    code: ClassVar[str] = "proposal_expired"
    sentence: ClassVar[str] = "The proposal has expired."
    expires_at: datetime


@dataclass(kw_only=True, eq=False)
class NotYoursToDecide(Forbidden):
    """The roles that may do the act are the roles that may approve it."""

    code: ClassVar[str] = "role_not_allowed"
    sentence: ClassVar[str] = "Your roles do not allow this."


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalApproval:
    """Pay a large withdrawal; its user is no more one of the two than anybody is twice."""

    withdrawal: WithdrawalId
    user: UserId
    amount: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualEntry:
    """Post a large entry by hand."""

    entry: JournalEntry


Act = WithdrawalApproval | ManualEntry | MoveClientMoney | GivingUp | Estimate

ROLES = MappingProxyType({
    WithdrawalApproval: frozenset({Role.MANAGER, Role.OPERATOR}),
    ManualEntry: frozenset({Role.FINANCE}),
    MoveClientMoney: frozenset({Role.FINANCE}),
    GivingUp: frozenset({Role.FINANCE}),
    Estimate: frozenset({Role.FINANCE}),
})  # fmt: skip
"""Who may propose an act, and who may approve or reject it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Propose:
    """Ask for a second person."""

    proposal: ProposalId
    act: Act
    by: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveProposal:
    """Be the second person. `roles` are those of `by` at that moment."""

    by: str
    roles: tuple[Role, ...]
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectProposal:
    """Say no."""

    by: str
    roles: tuple[Role, ...]
    reason: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireProposal:
    """Close a proposal whose time is over."""

    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalApprovalProposed:
    """Somebody proposes that a withdrawal be paid. Each act has an event of its own, so that a new act changes none."""

    proposal: ProposalId
    act: WithdrawalApproval
    by: str
    occurred_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualEntryProposed:
    """Somebody proposes that an entry be posted."""

    proposal: ProposalId
    act: ManualEntry
    by: str
    occurred_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientMoneyMoveProposed:
    """Somebody proposes that money move between our account and our customers'."""

    proposal: ProposalId
    act: MoveClientMoney
    by: str
    occurred_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOffProposed:
    """Somebody proposes that what a user owes be given up."""

    proposal: ProposalId
    act: GivingUp
    by: str
    occurred_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowanceProposed:
    """Somebody proposes another allowance for credit losses."""

    proposal: ProposalId
    act: Estimate
    by: str
    occurred_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalApproved:
    """A second person approved it; the act is in the same append."""

    proposal: ProposalId
    by: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalRejected:
    """A second person said no."""

    proposal: ProposalId
    by: str
    reason: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalExpired:
    """Nobody decided it in time."""

    proposal: ProposalId
    occurred_at: datetime


Command = Propose | ApproveProposal | RejectProposal | ExpireProposal
Proposed = (
    WithdrawalApprovalProposed | ManualEntryProposed | ClientMoneyMoveProposed | WriteOffProposed | AllowanceProposed
)
Event = Proposed | ProposalApproved | ProposalRejected | ProposalExpired


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A proposal and where it stands."""

    proposal: ProposalId
    act: Act
    by: str
    expires_at: datetime
    status: Status = Status.OPEN


State = Proposal | None
INITIAL: State = None


_PROPOSED: Mapping[type[Act], Callable[..., Proposed]] = MappingProxyType(
    {
        WithdrawalApproval: WithdrawalApprovalProposed,
        ManualEntry: ManualEntryProposed,
        MoveClientMoney: ClientMoneyMoveProposed,
        GivingUp: WriteOffProposed,
        Estimate: AllowanceProposed,
    }
)


def decide(state: State, command: Command) -> tuple[Event, ...]:
    """Make a proposal, or decide one. Who may not is told so before where it stands."""
    if isinstance(command, Propose):
        if state is not None:
            raise ProposalExists(proposal=state.proposal)
        return (_made(command),)
    if state is None:
        raise UnknownProposal
    at = command.occurred_at
    match command:
        case ExpireProposal():
            is_due = state.status is Status.OPEN and at >= state.expires_at
            return (ProposalExpired(proposal=state.proposal, occurred_at=at),) if is_due else ()
        case ApproveProposal(by=by):
            _check_second_person(state, command)
            return (ProposalApproved(proposal=state.proposal, by=by, occurred_at=at),)
        case RejectProposal(by=by, reason=reason):
            _check_second_person(state, command)
            check_text(reason, "reason")
            return (ProposalRejected(proposal=state.proposal, by=by, reason=reason, occurred_at=at),)
        case _:
            assert_never(command)


def evolve(state: State, event: Event) -> State:
    """Remember what is proposed and what became of it."""
    if isinstance(event, Proposed):
        return Proposal(proposal=event.proposal, act=event.act, by=event.by, expires_at=event.expires_at)
    assert state is not None, "a proposal begins by being made"
    match event:
        case ProposalApproved():
            return replace(state, status=Status.APPROVED)
        case ProposalRejected():
            return replace(state, status=Status.REJECTED)
        case ProposalExpired():
            return replace(state, status=Status.EXPIRED)
        case _:
            assert_never(event)


def _made(command: Propose) -> Proposed:
    """Propose; whoever is concerned by an act does not propose it."""
    require_user(command.by)
    require_other(command.by, *_concerned(command.act))
    at = command.occurred_at
    of = _PROPOSED[type(command.act)]
    return of(proposal=command.proposal, act=command.act, by=command.by, occurred_at=at, expires_at=at + LIFE)


def _check_second_person(state: Proposal, command: ApproveProposal | RejectProposal) -> None:
    require_user(command.by)
    if not ROLES[type(state.act)] & set(command.roles):
        raise NotYoursToDecide
    require_other(command.by, state.by, *_concerned(state.act))
    if state.status is not Status.OPEN:
        raise ProposalClosed(status=state.status)
    if command.occurred_at >= state.expires_at:
        raise ProposalTooOld(expires_at=state.expires_at)


def _concerned(act: Act) -> tuple[str, ...]:
    """Return whose money it is about: neither of the two."""
    match act:
        case WithdrawalApproval(user=user) | GivingUp(user=user):
            return (user,)
        case ManualEntry(entry=entry):
            owner = owner_of(entry)
            return () if owner is None else (owner,)
        case MoveClientMoney() | Estimate():
            return ()
        case _:
            assert_never(act)
