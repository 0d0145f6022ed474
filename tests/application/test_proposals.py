"""An act is done in the append of the second person's approval, or the proposal stays open."""

import pytest

from application import streams
from application.proposals import approve_proposal, expire_proposal, propose_approval, propose_entry, reject_proposal
from application.users import change_user
from application.withdrawals import approve_withdrawal, cancel_withdrawal
from domain.claims import DuplicateReference
from domain.four_eyes import SecondPersonNeeded, SelfApproval
from domain.ids import EntryId, ProposalId, UserId
from domain.ledger.book import ReceivableOpen
from domain.ledger.entry import EntryPosted, JournalEntry, ReferenceClaimed
from domain.ledger.manual import AccountReserved
from domain.proposals import NotYoursToDecide, Proposal, ProposalApproved, Status
from domain.users import NotActive, Role, SetRoles
from domain.withdrawals.errors import WithdrawalTransitionRefused
from domain.withdrawals.events import WithdrawalApproved
from tests.application.memory import Memory
from tests.application.people import FINANCE, suspended
from tests.application.withdrawing import OPERATOR, SECOND, STAFF, USABLE, destined, known, requested
from tests.application.world import ROBOT, TENANT, an_id, booking, deposit, envelope
from tests.domain.ledger.entries import USER, entry

PROPOSAL = ProposalId(an_id("proposal"))
STREAM = streams.proposal(TENANT, PROPOSAL)
LARGE = "600.00"


def roles(user: UserId, *wanted: Role) -> SetRoles:
    return SetRoles(user=user, roles=wanted, by=ROBOT)


@pytest.fixture
def memory() -> Memory:
    hired = [
        change_user(envelope(f"roles {user}"), roles(user, role))
        for user, role in ((OPERATOR, Role.OPERATOR), (SECOND, Role.MANAGER), (FINANCE, Role.FINANCE))
    ]
    return Memory().given(*STAFF, *hired, deposit("d", "1000.00"), destined(), requested("w", LARGE))


def proposed(memory: Memory, by: UserId = OPERATOR) -> Proposal:
    memory.submit(propose_approval(envelope("propose", actor=by, now=USABLE), known(memory, "w"), PROPOSAL))
    made = memory.state(STREAM)
    assert isinstance(made, Proposal)
    return made


def test_the_first_person_leaves_a_proposal_and_moves_no_money(memory: Memory) -> None:
    one = propose_approval(envelope("propose", actor=OPERATOR, now=USABLE), known(memory, "w"), PROPOSAL)
    expires = "2026-11-22T12:00:00+00:00"
    memory.when(one).answers(proposal={"id": PROPOSAL, "status": "open", "expires_at": expires})


def test_the_second_person_approves_and_pays_in_one_append(memory: Memory) -> None:
    made = proposed(memory)
    approved, withdrawal, posted = memory.when(
        approve_proposal(envelope("approve", actor=SECOND, now=USABLE), made)
    ).appends(ProposalApproved, WithdrawalApproved, EntryPosted)
    assert (withdrawal.by, withdrawal.proposed_by, approved.by) == (SECOND, OPERATOR, SECOND)
    assert posted.entry.kind == "withdrawal_approved"


def test_one_person_alone_does_not_approve_what_is_large(memory: Memory) -> None:
    memory.when(approve_withdrawal(envelope("a", actor=OPERATOR, now=USABLE), known(memory, "w"))).raises(
        SecondPersonNeeded
    )


def test_the_same_person_with_another_key_or_another_role_is_still_the_same(memory: Memory) -> None:
    made = proposed(memory)
    memory.when(approve_proposal(envelope("another key", actor=OPERATOR, now=USABLE), made)).raises(SelfApproval)
    memory.given(change_user(envelope("roles"), roles(OPERATOR, Role.MANAGER, Role.FINANCE, Role.ADMIN)))
    memory.when(approve_proposal(envelope("another role", actor=OPERATOR, now=USABLE), made)).raises(SelfApproval)


def test_roles_count_as_they_are_when_the_second_person_decides(memory: Memory) -> None:
    made = proposed(memory)
    memory.given(change_user(envelope("roles"), roles(SECOND, Role.TRADER)))
    memory.when(approve_proposal(envelope("approve", actor=SECOND, now=USABLE), made)).raises(NotYoursToDecide)


def test_a_suspended_second_person_decides_nothing(memory: Memory) -> None:
    made = proposed(memory)
    memory.given(suspended(SECOND))
    memory.when(approve_proposal(envelope("approve", actor=SECOND, now=USABLE), made)).raises(NotActive)
    memory.when(reject_proposal(envelope("reject", actor=SECOND, now=USABLE), made, reason="x")).raises(NotActive)


def test_a_proposal_whose_act_is_refused_stays_open(memory: Memory) -> None:
    made = proposed(memory)
    memory.given(booking("c", "receivable:user +1.00 | psp:stripe -1.00", kind="chargeback"))
    memory.when(approve_proposal(envelope("approve", actor=SECOND, now=USABLE), made)).raises(ReceivableOpen)
    assert memory.state(STREAM).status is Status.OPEN


def test_a_withdrawal_that_was_cancelled_meanwhile_is_not_approved(memory: Memory) -> None:
    made = proposed(memory)
    memory.given(cancel_withdrawal(envelope("cancel", actor=USER, now=USABLE), known(memory, "w")))
    memory.when(approve_proposal(envelope("approve", actor=SECOND, now=USABLE), made)).raises(
        WithdrawalTransitionRefused
    )
    again = propose_approval(envelope("again", actor=SECOND, now=USABLE), known(memory, "w"), ProposalId("1" * 32))
    memory.when(again).raises(WithdrawalTransitionRefused)


def test_a_rejected_proposal_leaves_the_withdrawal_as_it_is(memory: Memory) -> None:
    made = proposed(memory)
    memory.when(reject_proposal(envelope("reject", actor=SECOND, now=USABLE), made, reason="x")).answers(
        status="rejected"
    )
    memory.when(expire_proposal(envelope("expire", now=made.expires_at), PROPOSAL)).nothing()


def large_entry() -> JournalEntry:
    made = entry("bank:own +9000.00 | equity:owner -9000.00", id=EntryId(an_id("entry")))
    object.__setattr__(made, "reference", "capital 1")
    return made


def test_a_large_entry_is_posted_when_it_is_approved_with_its_reference(memory: Memory) -> None:
    memory.given(change_user(envelope("roles"), roles(SECOND, Role.FINANCE)))
    memory.given(propose_entry(envelope("propose", actor=FINANCE, now=USABLE), large_entry(), PROPOSAL))
    approve = approve_proposal(envelope("approve", actor=SECOND, now=USABLE), memory.state(STREAM))
    *_, posted = memory.when(approve).appends(ProposalApproved, ReferenceClaimed, EntryPosted)
    assert posted.entry == large_entry()
    other = ProposalId(an_id("other"))
    memory.given(propose_entry(envelope("propose again", actor=FINANCE, now=USABLE), large_entry(), other))
    again = approve_proposal(envelope("again", actor=SECOND, now=USABLE), memory.state(streams.proposal(TENANT, other)))
    memory.when(again).raises(DuplicateReference)


def test_an_entry_that_nobody_may_post_is_not_even_proposed() -> None:
    with pytest.raises(AccountReserved):
        propose_entry(envelope("p", actor=FINANCE), entry("bank:own +1.00 | clearing:transfers -1.00"), PROPOSAL)
