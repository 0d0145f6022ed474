"""Withdrawals as the tests ask for them: 50.00 USD from the real money of USER, fee 2.00, tax on commission 15 %."""

from dataclasses import replace

from domain.destinations import Kind
from domain.ids import AccountPath, DestinationId, EntryId, PayoutFileId, WithdrawalId
from domain.ledger.accounts import Bucket
from domain.money import Amount
from domain.withdrawals.commands import (
    ApproveWithdrawal,
    CancelWithdrawal,
    FailWithdrawal,
    PayWithdrawal,
    RejectWithdrawal,
    RequestWithdrawal,
    ReturnWithdrawal,
    SendWithdrawal,
)
from domain.withdrawals.terms import Terms
from tests.domain.ledger.entries import NOW, USER, amount

OPERATOR, OTHER = "a" * 32, "b" * 32
WITHDRAWAL, DESTINATION = WithdrawalId("1d" * 16), DestinationId("de" * 16)
BANK = AccountPath("assets:bank:client:main")


def usd(text: str) -> Amount:
    return amount(text, "USD")


TERMS = Terms(
    fee=usd("2.00"),
    minimum=usd("10.00"),
    per_request=usd("1000.00"),
    per_day=usd("1500.00"),
    requests_per_day=3,
    second_person_above=usd("500.00"),
    withholding_bps=1_500,
)
NO_FEE = replace(TERMS, fee=usd("0"))


def request(
    value: str = "50.00", *, bucket: Bucket = Bucket.REAL, terms: Terms = TERMS, rail: Kind = Kind.IBAN
) -> RequestWithdrawal:
    return RequestWithdrawal(
        withdrawal=WITHDRAWAL, user=USER, destination=DESTINATION, rail=rail, bucket=bucket, amount=usd(value),
        terms=terms, entry=EntryId("1" * 32), occurred_at=NOW,
    )  # fmt: skip


def cancel(by: str = USER) -> CancelWithdrawal:
    return CancelWithdrawal(by=by, occurred_at=NOW)


def approve(by: str = OPERATOR, *, proposed_by: str | None = None) -> ApproveWithdrawal:
    return ApproveWithdrawal(by=by, proposed_by=proposed_by, entry=EntryId("2" * 32), occurred_at=NOW)


def reject(by: str = OPERATOR) -> RejectWithdrawal:
    return RejectWithdrawal(by=by, reason="unclear", occurred_at=NOW)


def pay(by: str = OPERATOR, *, network_fee: Amount | None = None) -> PayWithdrawal:
    return PayWithdrawal(
        by=by, source=BANK, reference="B 17", network_fee=network_fee, entry=EntryId("3" * 32), occurred_at=NOW
    )


def send(by: str = OPERATOR, file: str = "f1" * 16) -> SendWithdrawal:
    return SendWithdrawal(by=by, file=PayoutFileId(file), occurred_at=NOW)


def fail(by: str = OPERATOR) -> FailWithdrawal:
    return FailWithdrawal(by=by, reason="account closed", occurred_at=NOW)


def give_back(by: str = OPERATOR) -> ReturnWithdrawal:
    return ReturnWithdrawal(by=by, reason="account closed", occurred_at=NOW)
