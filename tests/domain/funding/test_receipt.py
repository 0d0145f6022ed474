"""The life of a receipt at the bank: nobody's, then somebody's, once."""

from domain.four_eyes import SelfApproval
from domain.funding import receipt as decider
from domain.funding.receipt import (
    AlreadyIdentified,
    IdentifyReceipt,
    InvalidReceipt,
    ReceiptExists,
    ReceiptIdentified,
    ReceiptRecorded,
    RecordReceipt,
    UnknownReceipt,
)
from domain.ids import ReceiptId, UserId
from tests.domain.funding.facts import AT, FINANCE, usd
from tests.domain.given import given
from tests.domain.ledger.entries import USER

RECEIPT = ReceiptId("7" * 32)
RECORDED = ReceiptRecorded(receipt=RECEIPT, bank="main", line="17", amount=usd("100.00"), by=FINANCE, occurred_at=AT)
IDENTIFIED = ReceiptIdentified(receipt=RECEIPT, user=USER, by=FINANCE, occurred_at=AT)


def recorded(amount: str = "100.00") -> RecordReceipt:
    return RecordReceipt(receipt=RECEIPT, bank="main", line="17", amount=usd(amount), by=FINANCE, occurred_at=AT)


def test_a_receipt_is_above_zero() -> None:
    given(decider).when(recorded()).then(RECORDED)
    given(decider).when(recorded("0.00")).raises(InvalidReceipt)
    given(decider, RECORDED).when(recorded()).raises(ReceiptExists)


def test_a_receipt_finds_its_owner_once() -> None:
    owner = IdentifyReceipt(user=USER, by=FINANCE, occurred_at=AT)
    given(decider).when(owner).raises(UnknownReceipt)
    given(decider, RECORDED).when(owner).then(IDENTIFIED)
    given(decider, RECORDED, IDENTIFIED).when(owner).raises(AlreadyIdentified, user=USER)


def test_nobody_says_that_a_receipt_is_their_own() -> None:
    mine = IdentifyReceipt(user=UserId(FINANCE), by=FINANCE, occurred_at=AT)
    given(decider, RECORDED).when(mine).raises(SelfApproval)
