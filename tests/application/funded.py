"""Money that comes in and is taken back, as the tests of use cases say it: requests of people, words of a provider."""

from collections.abc import Sequence
from dataclasses import replace

from application import streams
from application.commands import Command
from application.deposits import record_payment, request_deposit
from application.disputes import record_dispute
from application.payouts import record_payout
from application.receipts import identify_receipt, record_receipt
from application.refunds import record_refund, request_refund
from domain.funding.deposit import Deposit, RequestDeposit
from domain.funding.receipt import Receipt, RecordReceipt
from domain.funding.refund import Refund
from domain.ids import DepositId, ReceiptId, RefundId, UserId
from domain.money import Amount
from domain.payments import BalanceMovement, DisputeFact, PaymentFact, PayoutFact, RefundFact
from domain.withdrawals.withdrawal import Withdrawal
from tests.application.memory import Memory
from tests.application.people import FINANCE
from tests.application.world import NOW, TENANT, an_id, envelope
from tests.domain.funding import facts
from tests.domain.ledger.entries import USER, amount

STRIPE = facts.STRIPE


def deposit_id(name: str) -> DepositId:
    return DepositId(an_id(f"deposit {name}"))


def asked(name: str, value: str, asset: str = "USD", *, user: UserId = USER) -> Command:
    """Return the request of a deposit."""
    wanted = RequestDeposit(
        deposit=deposit_id(name), user=user, provider=STRIPE, amount=amount(value, asset), occurred_at=NOW
    )
    return request_deposit(envelope(f"deposit {name}", actor=user), wanted)


def payment_of(
    known: Deposit, status: str = "succeeded", *, settled: Amount | None = None, fee: str = "0.00"
) -> PaymentFact:
    """Return what the provider says of a deposit's payment."""
    line = movement(f"txn_{known.deposit[:8]}", settled or known.amount, fee) if status == "succeeded" else None
    id = f"pi_{known.deposit[:8]}"
    return facts.payment(status, id=id, deposit=known.deposit, amount=known.amount, movement=line)


def dispute_of(
    known: Deposit, status: str = "open", *, settled: Amount | None = None, fee: str = "0.00", back: str = "0.00"
) -> DisputeFact:
    """Return what the provider says of a dispute of the whole deposit; `back` is what it gives back of its fee."""
    id = known.deposit[:8]
    gross = settled or known.amount
    taken = movement(f"txn_taken_{id}", gross, fee)
    returned = movement(f"txn_back_{id}", gross, back) if status == "won" else None
    return facts.dispute(
        status, id=f"dp_{id}", deposit=known.deposit, payment=known.payment, amount=known.amount, taken=taken,
        returned=returned,
    )  # fmt: skip


def refund_of(
    known: Refund, status: str = "succeeded", *, settled: Amount | None = None, fee: str = "0.00"
) -> RefundFact:
    """Return what the provider says of a refund."""
    id = known.refund[:8]
    line = movement(f"txn_{id}", settled or known.amount, fee) if status == "succeeded" else None
    return facts.refund(
        status, id=f"re_{id}", refund=known.refund, payment=known.payment, amount=known.amount, movement=line
    )


def movement(id: str, gross: Amount, fee: str) -> BalanceMovement:
    return facts.line(id, gross, fee)


def says(key: str, known: Deposit, fact: PaymentFact, *, tenant: str = TENANT) -> Command:
    return record_payment(envelope(f"says {key}", tenant=tenant), known, fact)


def refunded(name: str, known: Deposit, value: str | None = None, *, by: UserId = FINANCE) -> Command:
    """Return the request of a refund of an amount, or of all that is left."""
    of = None if value is None else amount(value, known.amount.asset.code)
    return request_refund(envelope(f"refund {name}", actor=by), RefundId(an_id(f"refund {name}")), of=known, amount=of)


def says_refund(key: str, known: Refund, fact: RefundFact) -> Command:
    return record_refund(envelope(f"says {key}"), known, fact)


def says_dispute(key: str, known: Deposit, fact: DisputeFact, *, withdrawals: Sequence[Withdrawal] = ()) -> Command:
    return record_dispute(envelope(f"says {key}"), known, fact, withdrawals=withdrawals)


def says_payout(key: str, fact: PayoutFact) -> Command:
    return record_payout(envelope(f"says {key}"), fact, bank="main")


def received(name: str, value: str, *, line: str | None = None) -> Command:
    """Return the recording of a receipt at the bank."""
    receipt = RecordReceipt(
        receipt=ReceiptId(an_id(f"receipt {name}")), bank="main", line=line or name, amount=amount(value, "USD"),
        by=FINANCE, occurred_at=NOW,
    )  # fmt: skip
    return record_receipt(envelope(f"receipt {name}", actor=FINANCE), receipt)


def identified(memory: Memory, name: str, *, user: UserId = USER, by: UserId = FINANCE) -> Command:
    known = memory.state(streams.receipt(TENANT, an_id(f"receipt {name}")))
    assert isinstance(known, Receipt)
    return identify_receipt(envelope(f"identify {name} {user}", actor=by), known, user=user)


def deposit(memory: Memory, name: str) -> Deposit:
    """Return a deposit as it stands."""
    known = memory.state(streams.deposit(TENANT, deposit_id(name)))
    assert isinstance(known, Deposit)
    return known


def refund(memory: Memory, name: str) -> Refund:
    """Return a refund as it stands."""
    known = memory.state(streams.refund(TENANT, an_id(f"refund {name}")))
    assert isinstance(known, Refund)
    return known


def payout(value: str, status: str = "in_transit") -> PayoutFact:
    line = facts.line("txn_5", amount(value, "USD"))
    return replace(facts.payout(status), amount=amount(value, "USD"), movement=line)
