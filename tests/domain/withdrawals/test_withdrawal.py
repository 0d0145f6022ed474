"""The life of a withdrawal: what may follow what, who may say so, and what the terms make of an amount."""

import pytest

from domain.destinations import Kind
from domain.four_eyes import SecondPersonNeeded, SelfApproval
from domain.ledger.accounts import Bucket
from domain.withdrawals import withdrawal
from domain.withdrawals.commands import WithdrawalAct
from domain.withdrawals.errors import (
    AlreadySent,
    BelowMinimum,
    InvalidNetworkFee,
    NotWithdrawable,
    UnknownWithdrawal,
    WithdrawalExists,
    WithdrawalTransitionRefused,
)
from domain.withdrawals.events import WithdrawalApproved, WithdrawalCancelled, WithdrawalRequested
from domain.withdrawals.terms import Status
from domain.withdrawals.withdrawal import LEADS_TO
from tests.domain.given import after
from tests.domain.ledger.entries import NOW, USER
from tests.domain.withdrawals.withdrawals import (
    DESTINATION,
    OPERATOR,
    OTHER,
    TERMS,
    WITHDRAWAL,
    approve,
    cancel,
    fail,
    give_back,
    pay,
    reject,
    request,
    send,
    usd,
)

REACHED = {
    Status.REQUESTED: (request(),),
    Status.CANCELLED: (request(), cancel()),
    Status.REJECTED: (request(), reject()),
    Status.APPROVED: (request(), approve()),
    Status.FAILED: (request(), approve(), fail()),
    Status.PAID: (request(), approve(), pay()),
    Status.RETURNED: (request(), approve(), pay(), give_back()),
}
ACTS: tuple[WithdrawalAct, ...] = (cancel(), approve(), reject(), send(), pay(), fail(), give_back())


@pytest.mark.parametrize("status", REACHED)
@pytest.mark.parametrize("act", ACTS, ids=lambda act: type(act).__name__)
def test_an_act_follows_one_status_and_no_other(status: Status, act: WithdrawalAct) -> None:
    before, wanted = LEADS_TO[type(act)]
    if status is before:
        assert after(withdrawal, *REACHED[status], act).state.status is wanted
    else:
        after(withdrawal, *REACHED[status]).when(act).raises(
            WithdrawalTransitionRefused, status=status.value, wanted=wanted.value
        )


def test_every_status_is_reached_and_every_act_is_tried() -> None:
    assert set(REACHED) == set(Status)
    assert {type(act) for act in ACTS} == set(LEADS_TO)


@pytest.mark.parametrize("act", ACTS, ids=lambda act: type(act).__name__)
def test_nothing_happens_to_a_withdrawal_that_nobody_asked_for(act: WithdrawalAct) -> None:
    after(withdrawal).when(act).raises(UnknownWithdrawal)


def test_a_request_takes_fee_and_terms_over() -> None:
    after(withdrawal).when(request()).then(
        WithdrawalRequested(
            withdrawal=WITHDRAWAL, user=USER, destination=DESTINATION, rail=Kind.IBAN, bucket=Bucket.REAL,
            amount=usd("50.00"), fee=usd("2.00"), withheld=usd("0"), terms=TERMS, entry=request().entry,
            occurred_at=NOW,
        )
    )  # fmt: skip
    assert after(withdrawal, request()).state.net == usd("48.00")
    after(withdrawal, request()).when(request()).raises(WithdrawalExists, withdrawal=WITHDRAWAL)


def test_tax_is_withheld_from_commission_and_rounded_down() -> None:
    state = after(withdrawal, request("33.33", bucket=Bucket.COMMISSION)).state
    assert (state.withheld, state.net) == (usd("4.99"), usd("26.34"))


def test_what_fee_and_tax_eat_up_is_not_withdrawn() -> None:
    after(withdrawal).when(request("2.00")).raises(BelowMinimum)
    after(withdrawal).when(request("2.35", bucket=Bucket.COMMISSION)).raises(BelowMinimum)
    assert after(withdrawal, request("2.36", bucket=Bucket.COMMISSION)).state.net == usd("0.01")


def test_prepaid_money_does_not_leave() -> None:
    after(withdrawal).when(request(bucket=Bucket.PREPAID)).raises(NotWithdrawable, bucket="prepaid")


@pytest.mark.parametrize("act", [approve(USER), reject(USER), send(USER), pay(USER), fail(USER), give_back(USER)])
def test_nobody_decides_on_their_own_withdrawal_whatever_its_status(act: WithdrawalAct) -> None:
    for reached in REACHED.values():
        after(withdrawal, *reached).when(act).raises(SelfApproval)


def test_a_user_cancels_no_one_elses_withdrawal_and_is_not_told_that_it_exists() -> None:
    after(withdrawal, request()).when(cancel(OTHER)).raises(UnknownWithdrawal)


def test_a_policy_cancels_for_a_dispute() -> None:
    after(withdrawal, request()).when(cancel("policy:payments")).then(
        WithdrawalCancelled(withdrawal=WITHDRAWAL, by="policy:payments", occurred_at=NOW)
    )


def test_a_withdrawal_is_in_one_file_for_the_bank_and_may_be_paid_without_one() -> None:
    sent = after(withdrawal, request(), approve(), send())
    sent.when(send(file="f2" * 16)).raises(AlreadySent, file="f1" * 16)
    assert withdrawal.decide(sent.state, pay())


def test_up_to_the_threshold_one_person_approves() -> None:
    after(withdrawal, request("500.00")).when(approve()).then(
        WithdrawalApproved(withdrawal=WITHDRAWAL, by=OPERATOR, proposed_by=None, entry=approve().entry, occurred_at=NOW)
    )


def test_above_the_threshold_two_people_approve_and_neither_is_the_user() -> None:
    large = after(withdrawal, request("500.01"))
    large.when(approve()).raises(SecondPersonNeeded)
    large.when(approve(OPERATOR, proposed_by=OPERATOR)).raises(SelfApproval)
    large.when(approve(USER, proposed_by=OPERATOR)).raises(SelfApproval)
    (event,) = withdrawal.decide(large.state, approve(OTHER, proposed_by=OPERATOR))
    assert isinstance(event, WithdrawalApproved)
    assert (event.by, event.proposed_by) == (OTHER, OPERATOR)


def test_only_coins_have_a_network_fee_and_it_is_of_the_coins() -> None:
    fee = usd("0.10")
    after(withdrawal, request(), approve()).when(pay(network_fee=fee)).raises(InvalidNetworkFee)
    coins = after(withdrawal, request(rail=Kind.CRYPTO), approve())
    coins.when(pay(network_fee=usd("0"))).raises(InvalidNetworkFee)
    assert withdrawal.decide(coins.state, pay(network_fee=fee))
