"""One proposes, another with the role decides, in time; nobody else, nobody twice, and nobody whose money it is."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from domain import proposals
from domain.four_eyes import SecondPersonNeeded, SelfApproval
from domain.ids import ProposalId, WithdrawalId
from domain.proposals import (
    LIFE,
    Act,
    ApproveProposal,
    ExpireProposal,
    ManualEntry,
    ManualEntryProposed,
    NotYoursToDecide,
    ProposalApproved,
    ProposalClosed,
    ProposalExists,
    ProposalExpired,
    ProposalRejected,
    ProposalTooOld,
    Propose,
    RejectProposal,
    UnknownProposal,
    WithdrawalApproval,
    WithdrawalApprovalProposed,
)
from domain.users import Role
from tests.domain.given import after
from tests.domain.ledger.entries import NOW, USER, entry
from tests.domain.withdrawals.withdrawals import usd

ID = ProposalId("9" * 32)
FIRST, SECOND, THIRD = "a" * 32, "b" * 32, "c" * 32
APPROVAL = WithdrawalApproval(withdrawal=WithdrawalId("1d" * 16), user=USER, amount=usd("600.00"))
POSTING = ManualEntry(entry=entry("bank:own +9000.00 | equity:owner -9000.00"))
Deciding = Callable[[str, tuple[Role, ...]], ApproveProposal | RejectProposal]
OPERATORS, FINANCE = (Role.OPERATOR,), (Role.FINANCE,)
LAST = NOW + LIFE - timedelta(microseconds=1)


def propose(act: Act = APPROVAL, by: str = FIRST) -> Propose:
    return Propose(proposal=ID, act=act, by=by, occurred_at=NOW)


def approve(by: str = SECOND, roles: tuple[Role, ...] = OPERATORS, at: datetime = NOW) -> ApproveProposal:
    return ApproveProposal(by=by, roles=roles, occurred_at=at)


def reject(by: str = SECOND, roles: tuple[Role, ...] = OPERATORS) -> RejectProposal:
    return RejectProposal(by=by, roles=roles, reason="unclear", occurred_at=NOW)


def test_a_proposal_lives_for_24_hours() -> None:
    assert timedelta(hours=24) == LIFE
    after(proposals).when(propose()).then(
        WithdrawalApprovalProposed(proposal=ID, act=APPROVAL, by=FIRST, occurred_at=NOW, expires_at=NOW + LIFE)
    )
    after(proposals).when(propose(POSTING)).then(
        ManualEntryProposed(proposal=ID, act=POSTING, by=FIRST, occurred_at=NOW, expires_at=NOW + LIFE)
    )
    after(proposals, propose()).when(propose()).raises(ProposalExists, proposal=ID)
    after(proposals, propose()).when(approve(at=LAST)).then(ProposalApproved(proposal=ID, by=SECOND, occurred_at=LAST))
    after(proposals, propose()).when(approve(at=NOW + LIFE)).raises(ProposalTooOld)


def test_a_second_person_with_the_role_approves_or_rejects() -> None:
    after(proposals, propose()).when(approve()).then(ProposalApproved(proposal=ID, by=SECOND, occurred_at=NOW))
    after(proposals, propose()).when(reject()).then(
        ProposalRejected(proposal=ID, by=SECOND, reason="unclear", occurred_at=NOW)
    )


@pytest.mark.parametrize("command", [approve, reject])
def test_nobody_is_both_people_whatever_roles_they_have(command: Deciding) -> None:
    after(proposals, propose()).when(command(FIRST, tuple(Role))).raises(SelfApproval)


@pytest.mark.parametrize("command", [approve, reject])
def test_whose_withdrawal_it_is_neither_proposes_nor_decides(command: Deciding) -> None:
    after(proposals).when(propose(by=USER)).raises(SelfApproval)
    after(proposals, propose()).when(command(USER, tuple(Role))).raises(SelfApproval)


def test_whose_book_it_is_neither_proposes_nor_decides_on_an_entry() -> None:
    act = ManualEntry(entry=entry("bank:own +9000.00 | user:real:available -9000.00"))
    after(proposals).when(propose(act, by=USER)).raises(SelfApproval)
    after(proposals, propose(act)).when(approve(USER, FINANCE)).raises(SelfApproval)


@pytest.mark.parametrize("command", [approve, reject])
def test_the_roles_that_may_do_an_act_decide_on_it(command: Deciding) -> None:
    for act, allowed in ((APPROVAL, {Role.OPERATOR, Role.MANAGER}), (POSTING, {Role.FINANCE})):
        made = after(proposals, propose(act))
        for role in Role:
            if role in allowed:
                assert proposals.decide(made.state, command(SECOND, (role,)))
            else:
                made.when(command(SECOND, (role,))).raises(NotYoursToDecide)


def test_the_command_line_is_no_second_person_and_no_first() -> None:
    after(proposals).when(propose(by="cli:root")).raises(SecondPersonNeeded)
    after(proposals, propose()).when(approve("cli:root", tuple(Role))).raises(SecondPersonNeeded)


@pytest.mark.parametrize("command", [approve, reject])
def test_what_is_decided_stays_decided(command: Deciding) -> None:
    for decided in (approve(), reject(), ExpireProposal(occurred_at=NOW + LIFE)):
        after(proposals, propose(), decided).when(command(THIRD, OPERATORS)).raises(ProposalClosed)
    after(proposals).when(command(THIRD, OPERATORS)).raises(UnknownProposal)


def test_a_proposal_expires_once_when_its_time_is_over_and_not_before() -> None:
    expire = ExpireProposal(occurred_at=NOW + LIFE)
    after(proposals, propose()).when(expire).then(ProposalExpired(proposal=ID, occurred_at=NOW + LIFE))
    after(proposals, propose()).when(ExpireProposal(occurred_at=LAST)).nothing()
    after(proposals, propose(), expire).when(expire).nothing()
    after(proposals, propose(), approve()).when(expire).nothing()
