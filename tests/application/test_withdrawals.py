"""What is asked about a withdrawal before its own rules: people, destinations, debts, and what happened meanwhile."""

from datetime import timedelta

import pytest

from application.commands import Command
from application.destinations import remove_destination
from application.withdrawals import approve_withdrawal, cancel_withdrawal, pay_withdrawal, reject_withdrawal
from domain.destinations import DestinationAssetDiffers, DestinationCooling, RemoveDestination, UnknownDestination
from domain.four_eyes import SelfApproval
from domain.ledger.accounts import UnknownAccount
from domain.ledger.book import InsufficientFunds, ReceivableOpen
from domain.ledger.entry import EntryPosted, EntryReversed
from domain.users import NotActive
from domain.withdrawals.errors import InvalidNetworkFee, OwnerNotActive, UnknownWithdrawal
from domain.withdrawals.events import WithdrawalCancelled, WithdrawalRequested
from tests.application.memory import Memory
from tests.application.people import ANA, suspended
from tests.application.withdrawing import (
    OPERATOR,
    STAFF,
    USABLE,
    destination_of,
    destined,
    known,
    requested,
    terms_of,
)
from tests.application.world import BOOK, booking, deposit, envelope
from tests.domain.ledger.entries import USER, amount


@pytest.fixture
def memory() -> Memory:
    return Memory().given(*STAFF, deposit("d", "100.00"), destined())


def approved(memory: Memory, name: str = "w") -> Command:
    return approve_withdrawal(envelope(f"approve {name}", actor=OPERATOR, now=USABLE), known(memory, name))


def test_a_request_appends_its_event_and_its_hold_together(memory: Memory) -> None:
    event, posted = memory.when(requested("w", "50.00")).appends(WithdrawalRequested, EntryPosted)
    assert (event.entry, event.terms, event.withdrawal) == (posted.entry.id, terms_of("USD"), posted.entry.reference)
    assert posted.entry.kind == "withdrawal_requested"


def test_cancelling_claims_the_reversal_so_that_it_happens_once(memory: Memory) -> None:
    memory.given(requested("w", "50.00"))
    cancel = cancel_withdrawal(envelope("c", actor=USER, now=USABLE), known(memory, "w"))
    _, claim, posted = memory.when(cancel).appends(WithdrawalCancelled, EntryReversed, EntryPosted)
    assert (claim.entry, claim.reversal) == (posted.entry.reverses, posted.entry.id)
    assert memory.state(BOOK).open_withdrawals == {}


def test_a_destination_must_be_ones_own_cooled_down_of_the_asset_and_in_use(memory: Memory) -> None:
    to = destination_of("USD").destination
    memory.when(requested("w", "50.00", now=USABLE - timedelta(microseconds=1))).raises(DestinationCooling)
    memory.when(requested("w", "50.00", user=ANA, to=to)).raises(UnknownDestination)
    memory.when(requested("w", "50.00", "EUR", terms=terms_of("USD"), to=to)).raises(
        DestinationAssetDiffers, asset="USD", requested="EUR"
    )
    gone = RemoveDestination(user=USER, occurred_at=USABLE)
    memory.given(remove_destination(envelope("gone", actor=USER), to, gone))
    memory.when(requested("w", "50.00")).raises(UnknownDestination)


def test_more_than_the_bucket_holds_is_refused_after_the_limits(memory: Memory) -> None:
    memory.when(requested("w", "100.01")).raises(InsufficientFunds)


def test_a_suspended_user_asks_for_nothing_and_cancels_nothing(memory: Memory) -> None:
    memory.given(requested("w", "50.00"), suspended(USER))
    memory.when(requested("v", "20.00")).raises(NotActive)
    memory.when(cancel_withdrawal(envelope("c", actor=USER, now=USABLE), known(memory, "w"))).raises(NotActive)


def test_whoever_was_suspended_meanwhile_is_not_paid_but_may_be_rejected(memory: Memory) -> None:
    memory.given(requested("w", "50.00"), suspended(USER))
    memory.when(approved(memory)).raises(OwnerNotActive, user=USER)
    reject = reject_withdrawal(envelope("r", actor=OPERATOR, now=USABLE), known(memory, "w"), reason="suspended")
    memory.when(reject).answers(status="rejected")


def test_whoever_has_come_to_owe_is_not_approved(memory: Memory) -> None:
    memory.given(requested("w", "50.00"), booking("c", "receivable:user +1.00 | psp:stripe -1.00", kind="chargeback"))
    memory.when(approved(memory)).raises(ReceivableOpen)


def test_somebody_elses_withdrawal_is_unknown_and_ones_own_is_nobodys_to_approve(memory: Memory) -> None:
    memory.given(requested("w", "50.00"))
    one = known(memory, "w")
    memory.when(cancel_withdrawal(envelope("c", actor=ANA, now=USABLE), one)).raises(UnknownWithdrawal)
    memory.when(approve_withdrawal(envelope("a", actor=USER, now=USABLE), one)).raises(SelfApproval)


def test_it_is_paid_from_an_account_that_there_can_be(memory: Memory) -> None:
    memory.given(requested("w", "50.00"))
    memory.given(approved(memory))
    by = envelope("p", actor=OPERATOR, now=USABLE)
    memory.when(pay_withdrawal(by, known(memory, "w"), bank="Not A Name", reference="B")).raises(
        UnknownAccount, at=("bank",)
    )
    fee = pay_withdrawal(by, known(memory, "w"), bank="main", reference="B", network_fee=amount("1.00", "USD"))
    memory.when(fee).raises(InvalidNetworkFee, at=("network_fee",))
