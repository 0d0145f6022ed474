"""Write-offs, recoveries, allowances and moves of client money: who may, how often, and what takes two people."""

import pytest

from application import streams
from application.commands import Command
from application.proposals import approve_proposal, propose_operation
from application.users import change_user
from domain.claims import DuplicateReference
from domain.four_eyes import SelfApproval
from domain.funding.allowance import AllowanceSet, AllowanceUsed, Estimate
from domain.funding.client_money import InvalidMove, MoveClientMoney
from domain.funding.write_off import (
    AlreadyRecovered,
    GivingUp,
    MoreThanOwed,
    NothingToCollect,
    WriteOffMade,
)
from domain.ids import ProposalId, UserId
from domain.ledger.entry import EntryPosted, ReferenceClaimed
from domain.proposals import Proposal, ProposalApproved, Status
from domain.users import Role, SetRoles, UnknownUser
from tests.application import finance
from tests.application.memory import Memory
from tests.application.people import BOB, FINANCE, PEOPLE
from tests.application.world import ROBOT, TENANT, an_id, booking, deposit, envelope
from tests.domain.ledger.entries import USER

PROPOSAL = ProposalId(an_id("proposal"))
OWING = booking("owes", "receivable:user +40.00 | psp:stripe -40.00", kind="chargeback")


@pytest.fixture
def memory() -> Memory:
    hired = (
        change_user(envelope(f"roles {user}"), SetRoles(user=user, roles=(Role.FINANCE,), by=ROBOT))
        for user in (FINANCE, BOB)
    )
    return Memory().given(*PEOPLE, *hired, OWING)


def test_a_reference_of_the_bank_is_booked_once_per_direction(memory: Memory) -> None:
    memory.when(finance.moved("sweep", "12.00")).appends(ReferenceClaimed, EntryPosted)
    memory.when(finance.moved("sweep", "12.00", key="again")).raises(DuplicateReference, reference="B 17")
    memory.when(finance.moved("top-up", "12.00")).appends(ReferenceClaimed, EntryPosted)
    for nothing in ("0.00", "-1.00"):
        memory.when(finance.moved("sweep", nothing, reference="B 18")).raises(InvalidMove, at=("amount",))


def test_a_write_off_of_more_than_is_owed_and_of_a_stranger_is_refused(memory: Memory) -> None:
    memory.when(finance.given_up("w", "40.01")).raises(MoreThanOwed)
    memory.when(finance.given_up("w", "1.00", user=UserId("0" * 32))).raises(UnknownUser)
    memory.when(finance.given_up("w", "40.00", by=USER)).raises(SelfApproval)


def test_a_write_off_is_not_recovered_without_money_nor_twice(memory: Memory) -> None:
    memory.given(finance.given_up("w", "40.00"))
    memory.when(finance.recovered(memory, "w")).raises(NothingToCollect)
    memory.given(deposit("d", "100.00"), finance.recovered(memory, "w", key="with money"))
    memory.when(finance.recovered(memory, "w", key="again")).raises(AlreadyRecovered)


def test_two_write_offs_share_an_allowance_and_do_not_use_it_twice(memory: Memory) -> None:
    memory.given(finance.provided("12.00"))
    first = memory.when(finance.given_up("one", "10.00")).appends(WriteOffMade, AllowanceUsed, EntryPosted)
    second = memory.when(finance.given_up("two", "10.00")).appends(WriteOffMade, AllowanceUsed, EntryPosted)
    assert [str(made.from_allowance) for made in (first[0], second[0])] == ["10.00 USD", "2.00 USD"]
    memory.when(finance.given_up("three", "10.00")).appends(WriteOffMade, EntryPosted)


def large() -> tuple[MoveClientMoney | GivingUp | Estimate, ...]:
    return finance.move("sweep", "9000.00"), finance.giving_up("w", "40.00"), finance.estimate("9000.00")


@pytest.mark.parametrize("wanted", large(), ids=lambda wanted: type(wanted).__name__)
def test_what_is_large_is_proposed_by_one_and_done_by_another(
    memory: Memory, wanted: MoveClientMoney | GivingUp | Estimate
) -> None:
    memory.submit(propose_operation(envelope("propose", actor=FINANCE), wanted, PROPOSAL))
    made = memory.state(streams.proposal(TENANT, PROPOSAL))
    assert isinstance(made, Proposal)
    memory.when(approval(made, by=FINANCE)).raises(SelfApproval)
    _, written = memory.submit(approval(made, by=BOB))
    kinds = [type(event) for _, event in written]
    assert kinds[0] is ProposalApproved
    assert kinds[1] in {ReferenceClaimed, WriteOffMade, AllowanceSet}
    assert kinds[-1] is EntryPosted


def test_a_proposal_whose_write_off_has_been_paid_meanwhile_stays_open(memory: Memory) -> None:
    memory.submit(propose_operation(envelope("propose", actor=FINANCE), finance.giving_up("w", "40.00"), PROPOSAL))
    memory.given(booking("paid", "psp:stripe +1.00 | receivable:user -1.00", kind="deposit"))
    made = memory.state(streams.proposal(TENANT, PROPOSAL))
    memory.when(approval(made, by=BOB)).raises(MoreThanOwed)
    assert memory.state(streams.proposal(TENANT, PROPOSAL)).status is Status.OPEN


def test_nobody_proposes_to_give_up_what_they_owe(memory: Memory) -> None:
    mine = propose_operation(envelope("propose", actor=USER), finance.giving_up("w", "40.00"), PROPOSAL)
    memory.when(mine).raises(SelfApproval)


def approval(made: Proposal, *, by: UserId) -> Command:
    return approve_proposal(envelope(f"approve {by}", actor=by), made)
