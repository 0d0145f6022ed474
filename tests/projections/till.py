"""Money that comes into a house and goes back: a deposit with a refund and a dispute, a payout, a receipt."""

from dataclasses import replace

from application.deposits import find_deposit, record_payment, request_deposit
from application.disputes import record_dispute
from application.payouts import record_payout
from application.receipts import find_receipt, identify_receipt, record_receipt
from application.refunds import find_refund, record_refund, request_refund
from domain.funding.deposit import Deposit, RequestDeposit
from domain.funding.receipt import RecordReceipt
from domain.ids import DepositId, ReceiptId, RefundId, UserId
from tests.application import funded
from tests.domain.funding.facts import STRIPE, line, usd
from tests.projections.house import House, name


async def deposit(house: House, user: UserId, *, cents: int = 10_000) -> Deposit:
    """Let a user pay in, and the provider say so."""
    wanted = RequestDeposit(
        deposit=DepositId(name("deposit", house.tenant, user)), user=user, provider=STRIPE,
        amount=usd("0.00").asset.amount(cents), occurred_at=house.now,
    )  # fmt: skip
    await house.do(request_deposit(house.envelope(actor=user), wanted))
    known = await find_deposit(house.committer, house.tenant, wanted.deposit)
    for status in ("pending", "succeeded"):
        fact = replace(funded.payment_of(known, status, fee="1.00"), tenant=house.tenant, occurred_at=house.now)
        await house.do(record_payment(house.envelope(), known, fact))
    return await find_deposit(house.committer, house.tenant, wanted.deposit)


async def some_funding(house: House, user: UserId) -> None:
    """Let a little of everything happen to a user's deposit, and beside it."""
    known = await deposit(house, user)
    id = RefundId(name("refund", known.deposit))
    await house.do(request_refund(house.envelope(), id, of=known, amount=usd("30.00")))
    refund = await find_refund(house.committer, house.tenant, id)
    for status in ("pending", "failed"):
        said = replace(funded.refund_of(refund, status), tenant=house.tenant, reason="card\0gone")
        await house.do(record_refund(house.envelope(), refund, said))
    for status in ("open", "won"):
        dispute = replace(funded.dispute_of(known, status, fee="15.00"), tenant=house.tenant)
        await house.do(record_dispute(house.envelope(), known, dispute))
    for status in ("in_transit", "arrived"):
        payout = replace(
            funded.payout("50.00", status),
            id=f"po_{known.deposit}",
            movement=line(f"txn_po_{known.deposit}", usd("50.00")),
        )
        await house.do(record_payout(house.envelope(), payout, bank="main"))
    await receipt(house, user)


async def receipt(house: House, user: UserId) -> None:
    """Record money of unknown origin, and find out that it is a user's."""
    id = ReceiptId(name("receipt", house.tenant, user))
    made = RecordReceipt(
        receipt=id, bank="main", line=f"17 {user}", amount=usd("10.00"), by="cli:test", occurred_at=house.now
    )
    await house.do(record_receipt(house.envelope(), made))
    known = await find_receipt(house.committer, house.tenant, id)
    await house.do(identify_receipt(house.envelope(), known, user=user))
