"""An allowance is set to a level, used by write-offs and given back; what changes nothing is nothing."""

from domain.funding import allowance as decider
from domain.funding.allowance import (
    AllowanceRestored,
    AllowanceSet,
    AllowanceUsed,
    Estimate,
    InvalidAllowance,
    RestoreAllowance,
    SetAllowance,
    UseAllowance,
)
from domain.ids import EntryId, WriteOffId
from domain.texts import MalformedText
from tests.domain.funding.facts import AT, FINANCE, usd
from tests.domain.given import given

ENTRY, ID = EntryId("e" * 32), WriteOffId("1f" * 16)


def set_to(level: str, reason: str = "month end") -> SetAllowance:
    return SetAllowance(estimate=Estimate(entry=ENTRY, level=usd(level), reason=reason, occurred_at=AT), by=FINANCE)


def was_set(before: str, level: str) -> AllowanceSet:
    return AllowanceSet(
        entry=ENTRY, before=usd(before), level=usd(level), reason="month end", by=FINANCE, occurred_at=AT
    )


USED = AllowanceUsed(write_off=ID, amount=usd("5.00"))
TWELVE = was_set("0.00", "12.00")


def test_an_estimate_sets_a_level_and_says_what_it_was_before() -> None:
    given(decider).when(set_to("12.00")).then(TWELVE)
    given(decider, TWELVE).when(set_to("5.00")).then(was_set("12.00", "5.00"))
    given(decider, TWELVE, USED).when(set_to("12.00")).then(was_set("7.00", "12.00"))
    given(decider, TWELVE).when(set_to("12.00")).nothing()
    given(decider).when(set_to("0.00")).nothing()


def test_an_allowance_is_not_below_zero_and_has_a_reason() -> None:
    given(decider).when(set_to("-0.01")).raises(InvalidAllowance)
    given(decider).when(set_to("1.00", reason="")).raises(MalformedText)


def test_what_a_write_off_takes_comes_back_when_it_is_recovered() -> None:
    given(decider, TWELVE).when(UseAllowance(write_off=ID, amount=usd("5.00"))).then(USED)
    given(decider, TWELVE).when(UseAllowance(write_off=ID, amount=usd("0.00"))).nothing()
    back = AllowanceRestored(write_off=ID, amount=usd("5.00"))
    given(decider, TWELVE, USED).when(RestoreAllowance(write_off=ID, amount=usd("5.00"))).then(back)
    given(decider, TWELVE).when(RestoreAllowance(write_off=ID, amount=usd("0.00"))).nothing()
    given(decider, TWELVE, USED, back).when(set_to("12.00")).nothing()
