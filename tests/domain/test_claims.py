import pytest

from domain import claims
from domain.claims import AlreadyBooked, AlreadyReversed, Claim, DuplicateReference, EmailClaimed, OutsideFactBooked
from domain.ids import EntryId, UserId
from domain.ledger.entry import EntryReversed, ReferenceClaimed
from domain.users import EmailTaken
from tests.domain.given import given

ONE, TWO = EntryId("1" * 32), EntryId("2" * 32)
EMAIL = EmailClaimed(user=UserId("a" * 32))
REFERENCE = ReferenceClaimed(kind="invoice", reference="2026-17", entry=ONE)
REVERSED = EntryReversed(entry=ONE, reversal=TWO)
BOOKED = OutsideFactBooked(source="stripe", movement="txn_1", by="d" * 32)
CLAIMS: list[Claim] = [EMAIL, REFERENCE, REVERSED, BOOKED]


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: type(claim).__name__)
def test_what_is_free_is_taken(claim: Claim) -> None:
    given(claims).when(claim).then(claim)


def test_an_email_address_belongs_to_one_user_and_nobody_is_told_whose() -> None:
    given(claims, EMAIL).when(EmailClaimed(user=UserId("b" * 32))).raises(EmailTaken)
    given(claims, EMAIL).when(EMAIL).raises(EmailTaken)


def test_a_reference_belongs_to_one_entry_of_its_kind() -> None:
    again = ReferenceClaimed(kind="invoice", reference="2026-17", entry=TWO)
    given(claims, REFERENCE).when(again).raises(DuplicateReference, reference="2026-17", entry=ONE)


def test_an_entry_is_reversed_once() -> None:
    again = EntryReversed(entry=ONE, reversal=EntryId("3" * 32))
    given(claims, REVERSED).when(again).raises(AlreadyReversed, entry=ONE, reversal=TWO)


def test_a_line_of_an_outside_account_is_booked_once() -> None:
    again = OutsideFactBooked(source="stripe", movement="txn_1", by="f" * 32)
    given(claims, BOOKED).when(again).raises(AlreadyBooked, source="stripe", movement="txn_1", by="d" * 32)
