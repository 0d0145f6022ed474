"""Deposits with their histories, refunds, disputes, payouts and receipts, as queries answer after the real commands."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from application import streams
from application.commands import Command
from application.deposits import find_deposit, record_payment_silence
from application.refunds import find_refund
from domain.funding import dispute, payout, refund
from domain.funding.deposit import Deposit
from domain.funding.deposit_events import Status, UnknownDeposit
from domain.funding.refund import Refund, UnknownRefund
from domain.payments import ObjectKind
from projections import deposits, disputes, payouts, receipts, refunds
from projections.waiting import WaitingThere
from tests.application import funded
from tests.application.memory import Memory
from tests.application.people import ANA, FINANCE, PEOPLE
from tests.application.world import NOW, TENANT, an_id, envelope
from tests.domain.funding.facts import brl, usd
from tests.domain.ledger.entries import USER
from tests.interfaces.audit.forgery import found
from tests.projections.house import House, projections_of

pytestmark = pytest.mark.anyio


@dataclass
class Desk:
    """Does on a house what the use cases' tests do in memory."""

    house: House

    async def do(self, *commands: Command) -> None:
        for command in commands:
            (await self.house.committer.submit(command)).accepted()

    async def deposit(self, name: str) -> Deposit:
        return await find_deposit(self.house.committer, TENANT, funded.deposit_id(name))

    async def refund(self, name: str) -> Refund:
        return await find_refund(self.house.committer, TENANT, an_id(f"refund {name}"))

    async def paid(self, name: str, value: str, asset: str = "USD", **said: Any) -> Deposit:  # noqa: ANN401 - a fact's fields
        await self.do(funded.asked(name, value, asset))
        known = await self.deposit(name)
        await self.do(funded.says(f"pending {name}", known, funded.payment_of(known, "pending")))
        await self.do(funded.says(f"paid {name}", known, funded.payment_of(known, **said)))
        return await self.deposit(name)


@pytest.fixture
async def desk(house: House) -> Desk:
    made = Desk(house)
    await made.do(*PEOPLE)
    return made


async def read(house: House) -> None:
    async with projections_of(house.urls):
        await house.caught_up()


async def test_a_deposit_is_shown_with_where_it_has_stood_and_what_was_settled(desk: Desk, house: House) -> None:
    await desk.do(funded.asked("d", "100.00", "BRL"))
    known = await desk.deposit("d")
    await desk.do(record_payment_silence(envelope("silence"), known))
    await desk.do(funded.says("pending", known, funded.payment_of(known, "pending")))
    await desk.do(funded.says("paid", known, funded.payment_of(known, settled=usd("18.20"), fee="0.73")))
    await desk.do(funded.refunded("r", await desk.deposit("d"), "40.00"))
    await read(house)
    async with house.reading() as connection:
        one = (await deposits.get_deposit(connection, known.deposit)).value
        with pytest.raises(UnknownDeposit):
            await deposits.get_deposit(connection, "0" * 32)
    assert (one.user, one.status, one.amount, one.returned) == (USER, Status.SETTLED, brl("100.00"), brl("40.00"))
    assert (one.settled, one.fee, one.payment) == (usd("18.20"), usd("0.73"), f"pi_{known.deposit[:8]}")
    assert [step.status for step in one.history] == [
        Status.REQUESTED, Status.PENDING_PROVIDER, Status.PENDING, Status.SETTLED,
    ]  # fmt: skip


async def test_a_deposit_that_failed_says_why_whatever_the_provider_wrote(desk: Desk, house: House) -> None:
    await desk.do(funded.asked("d", "1.00"))
    known = await desk.deposit("d")
    failed = replace(funded.payment_of(known, "failed"), reason="card\0declined")
    await desk.do(funded.says("failed", known, failed))
    await read(house)
    async with house.reading() as connection:
        one = (await deposits.get_deposit(connection, known.deposit)).value
    assert (one.status, one.reason) == (Status.FAILED, "card\N{REPLACEMENT CHARACTER}declined")
    assert one.history[-1].reason == one.reason


async def test_deposits_are_listed_newest_first_by_user_and_status(desk: Desk, house: House) -> None:
    for number in range(5):
        await desk.do(funded.asked(f"d{number}", "1.00", user=USER if number != 3 else ANA))
    await desk.do(funded.says("f", await desk.deposit("d1"), funded.payment_of(await desk.deposit("d1"), "failed")))
    await read(house)
    async with house.reading() as connection:
        first = await deposits.list_deposits(connection, user=USER, limit=3)
        rest = await deposits.list_deposits(connection, user=USER, limit=3, cursor=first.next_cursor)
        failed = await deposits.list_deposits(connection, status="failed", limit=3)
    async with house.reading("other") as connection:
        nothing = await deposits.list_deposits(connection, limit=3)
    ids = [funded.deposit_id(f"d{number}") for number in (4, 2, 1, 0)]
    assert [one.id for one in (*first.items, *rest.items)] == ids
    assert [one.id for one in failed.items] == [funded.deposit_id("d1")]
    assert (rest.next_cursor, nothing.items) == (None, ())


async def test_refunds_disputes_payouts_and_receipts_are_shown_where_they_stand(desk: Desk, house: House) -> None:
    first, second = await desk.paid("one", "100.00"), await desk.paid("two", "50.00")
    await desk.do(funded.refunded("r", first, "30.00"))
    one = await desk.refund("r")
    await desk.do(funded.says_refund("failed", one, replace(funded.refund_of(one, "failed"), reason="expired")))
    await desk.do(funded.says_dispute("open", second, funded.dispute_of(second, fee="15.00")))
    await desk.do(funded.says_payout("sent", funded.payout("96.01")))
    await desk.do(funded.says_payout("there", funded.payout("96.01", "arrived")))
    await desk.do(funded.received("x", "10.00"), funded.received("y", "20.00"))
    memory = Memory({streams.receipt(TENANT, an_id("receipt x")): await receipt_state(house, "x")})
    await desk.do(funded.identified(memory, "x"))
    await read(house)
    async with house.reading() as connection:
        got = (await refunds.get_refund(connection, one.refund)).value
        with pytest.raises(UnknownRefund):
            await refunds.get_refund(connection, "0" * 32)
        of_deposit = await refunds.list_refunds(connection, user=USER, deposit=first.deposit, limit=9)
        open_ones = await disputes.list_disputes(connection, status="charged_back", limit=9)
        sent = await payouts.list_payouts(connection, limit=9)
        named = await receipts.list_receipts(connection, limit=9)
        nameless = await receipts.list_receipts(connection, unidentified_only=True, limit=9)
        back = (await deposits.get_deposit(connection, first.deposit)).value
    assert (got.status, got.reason, got.requested_by) == (refund.Status.FAILED, "expired", FINANCE)
    assert of_deposit.items == (got,)
    assert not back.returned
    assert [(each.deposit, each.status, each.amount) for each in open_ones.items] == [
        (second.deposit, dispute.Status.CHARGED_BACK, usd("50.00"))
    ]
    assert [(each.status, each.amount, each.bank) for each in sent.items] == [
        (payout.Status.ARRIVED, usd("96.01"), "main")
    ]
    assert [(each.amount, each.user) for each in named.items] == [(usd("20.00"), None), (usd("10.00"), USER)]
    assert [each.amount for each in nameless.items] == [usd("20.00")]


async def receipt_state(house: House, name: str) -> Any:  # noqa: ANN401 - a versioned state
    return await house.committer.state(streams.receipt(TENANT, an_id(f"receipt {name}")))


async def test_what_waits_is_found_in_all_tenants_when_it_has_waited_long_enough(desk: Desk, house: House) -> None:
    there = WaitingThere(house.projector)
    assert list(await there(NOW)) == []
    settled = await desk.paid("settled", "100.00")
    await desk.do(funded.asked("d", "1.00"), funded.refunded("r", settled, "1.00"))
    await read(house)
    assert [(one.tenant, one.kind, one.id) for one in await there(NOW)] == [
        (TENANT, kind, id)
        for kind, id in sorted(
            ((ObjectKind.PAYMENT, funded.deposit_id("d")), (ObjectKind.REFUND, an_id("refund r"))),
            key=lambda pair: pair[1],
        )
    ]
    assert list(await there(NOW - timedelta(microseconds=1))) == []


async def test_the_audit_finds_the_books_of_every_funding_flow_sound(desk: Desk, house: House) -> None:
    first = await desk.paid("one", "100.00", "BRL", settled=usd("18.20"), fee="0.73")
    second = await desk.paid("two", "50.00", fee="1.00")
    await desk.do(funded.refunded("r", first))
    one = await desk.refund("r")
    await desk.do(funded.says_refund("paid", one, funded.refund_of(one, settled=usd("18.00"))))
    await desk.do(funded.says_refund("failed", one, funded.refund_of(one, "failed")))
    await desk.do(funded.says_dispute("open", second, funded.dispute_of(second, fee="15.00")))
    await desk.do(funded.says_dispute("won", second, funded.dispute_of(second, "won", fee="15.00", back="15.00")))
    for status in ("in_transit", "arrived", "failed"):
        await desk.do(funded.says_payout(status, funded.payout("96.01", status)))
    await desk.do(funded.received("x", "10.00"))
    await read(house)
    assert await asyncio.to_thread(found, house.urls) == set()
