"""What is payable must be what was approved and is unpaid: an entry too many is found, and so is one too few."""

import pytest

from application import streams
from application.withdrawals import approve_withdrawal, fail_withdrawal, pay_withdrawal
from domain.ids import EntryId
from domain.withdrawals.events import WithdrawalApproved, WithdrawalPaid
from domain.withdrawals.withdrawal import Withdrawal
from tests.interfaces.audit.forgery import Books, change, entry, forge, found, positions_of
from tests.projections import cashier

pytestmark = pytest.mark.anyio


async def requested(books: Books) -> Withdrawal:
    to = await cashier.destination(books.house, books.bob)
    return await cashier.withdrawal(books.house, books.bob, to)


async def test_withdrawals_at_every_stage_are_sound(books: Books) -> None:
    house = books.house
    first = await requested(books)
    await house.do(approve_withdrawal(house.envelope(), first))
    assert found(house.urls) == set()
    await house.do(pay_withdrawal(house.envelope(), first, bank="main", reference="B 17"))
    second = await cashier.withdrawal(house, books.bob, first.destination)
    await house.do(approve_withdrawal(house.envelope(), second))
    await house.do(fail_withdrawal(house.envelope(), second, reason="closed"))
    assert found(house.urls) == set()


async def test_an_approval_without_its_entry(books: Books) -> None:
    house, one = books.house, await requested(books)
    approved = WithdrawalApproved(
        withdrawal=one.withdrawal, by="cli:x", proposed_by=None, entry=EntryId("e" * 32), occurred_at=house.now
    )
    position = await forge(house, (streams.withdrawal("acme", one.withdrawal), approved))
    assert found(house.urls) == {("withdrawals", position)}


async def test_a_payment_without_its_entry(books: Books) -> None:
    house, one = books.house, await requested(books)
    await house.do(approve_withdrawal(house.envelope(), one))
    paid = WithdrawalPaid(
        withdrawal=one.withdrawal, by="cli:x", source=cashier.BANK, reference="B 17", network_fee=None,
        entry=EntryId("e" * 32), occurred_at=house.now,
    )  # fmt: skip
    position = await forge(house, (streams.withdrawal("acme", one.withdrawal), paid))
    assert found(house.urls) == {("withdrawals", position)}


async def test_a_payable_that_nobody_approved(books: Books) -> None:
    house = books.house
    payable = f"liabilities:withdrawals:payable:{books.bob}"
    owed = entry(("expenses:bank_fees", "5.00 USD"), (payable, "-5.00 USD"), kind="bank_charge", now=house.now)
    position = await forge(house, (streams.house_book("acme", house.now), owed))
    assert found(house.urls) == {("withdrawals", position)}


async def test_an_amount_that_was_changed_behind_the_back(books: Books) -> None:
    house, one = books.house, await requested(books)
    await house.do(approve_withdrawal(house.envelope(), one))
    *_, position = await positions_of(house, "withdrawal.requested.v1")
    *_, approved = await positions_of(house, "withdrawal.approved.v1")
    change(house.urls, position, old='"amount":{"value":"50.00"', new='"amount":{"value":"51.00"')
    assert ("withdrawals", approved + 1) in found(house.urls)
