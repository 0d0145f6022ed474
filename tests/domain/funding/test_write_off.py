"""A debt is given up by somebody else, up to what is owed, and recovered once where there is money for it."""

from datetime import datetime

from domain.four_eyes import SelfApproval
from domain.funding import write_off as decider
from domain.funding.write_off import (
    AlreadyRecovered,
    GivingUp,
    InvalidWriteOff,
    MakeWriteOff,
    MoreThanOwed,
    NothingToCollect,
    RecoverWriteOff,
    UnknownWriteOff,
    WriteOffExists,
    WriteOffMade,
    WriteOffRecovered,
)
from domain.ids import WriteOffId
from domain.texts import MalformedText
from tests.domain.funding.facts import AT, FINANCE, usd
from tests.domain.given import given
from tests.domain.ledger.entries import USER

ID = WriteOffId("1f" * 16)
MADE = WriteOffMade(
    write_off=ID, user=USER, amount=usd("40.00"), from_allowance=usd("12.00"), reason="gone", by=FINANCE, occurred_at=AT
)


def make(
    amount: str = "40.00", *, owed: str = "40.00", allowance: str = "12.00", by: str = FINANCE, reason: str = "gone"
) -> MakeWriteOff:
    wanted = GivingUp(write_off=ID, user=USER, amount=usd(amount), reason=reason)
    return MakeWriteOff(wanted=wanted, owed=usd(owed), allowance=usd(allowance), by=by, occurred_at=AT)


def recover(there: str, by: str = FINANCE, at: datetime = AT) -> RecoverWriteOff:
    return RecoverWriteOff(there=usd(there), by=by, occurred_at=at)


def recovered(amount: str) -> WriteOffRecovered:
    return WriteOffRecovered(write_off=ID, collected=usd(amount), by=FINANCE, occurred_at=AT)


def test_no_more_is_given_up_than_is_owed() -> None:
    given(decider).when(make()).then(MADE)
    given(decider).when(make(owed="39.99")).raises(
        MoreThanOwed, owed=usd("39.99").as_data(), requested=usd("40.00").as_data()
    )
    given(decider).when(make("0.00")).raises(InvalidWriteOff)
    given(decider).when(make(reason="")).raises(MalformedText)
    given(decider, MADE).when(make()).raises(WriteOffExists)


def test_the_allowance_is_used_first_and_never_beyond_the_write_off() -> None:
    for allowance, taken in (("0.00", "0.00"), ("39.99", "39.99"), ("40.00", "40.00"), ("41.00", "40.00")):
        (made,) = decider.decide(None, make(allowance=allowance))
        assert isinstance(made, WriteOffMade)
        assert made.from_allowance == usd(taken)


def test_nobody_gives_up_or_collects_what_they_owe_themselves() -> None:
    given(decider).when(make(by=USER)).raises(SelfApproval)
    given(decider, MADE).when(recover("40.00", by=USER)).raises(SelfApproval)


def test_a_write_off_is_recovered_once_with_the_money_that_is_there() -> None:
    given(decider).when(recover("40.00")).raises(UnknownWriteOff)
    given(decider, MADE).when(recover("0.00")).raises(NothingToCollect)
    given(decider, MADE).when(recover("0.01")).then(recovered("0.01"))
    given(decider, MADE).when(recover("100.00")).then(recovered("40.00"))
    given(decider, MADE, recovered("40.00")).when(recover("40.00")).raises(AlreadyRecovered)
