"""Random moves of money in and out by their real commands: deposits and what takes them back, withdrawals, transfers,
exchange, and what finance does. They are made to be sound about as often as not.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random
from typing import TypeVar

from application import streams
from application.commands import Command
from application.exchange import accept_quote, ask_for_quote, cover
from application.receipts import identify_receipt, record_receipt
from application.transfers import make_transfer
from application.withdrawals import (
    approve_withdrawal,
    cancel_withdrawal,
    fail_withdrawal,
    pay_withdrawal,
    reject_withdrawal,
    return_withdrawal,
)
from application.write_offs import give_up, recover_write_off, set_allowance
from domain.exchange.quote import Quote
from domain.funding.allowance import Estimate
from domain.funding.deposit import Deposit
from domain.funding.receipt import Receipt, RecordReceipt
from domain.funding.refund import Refund
from domain.funding.write_off import GivingUp, WriteOff
from domain.ids import EntryId, QuoteId, ReceiptId, TransferId, UserId, WriteOffId
from domain.ledger.accounts import receivable
from domain.withdrawals.withdrawal import Withdrawal
from tests.application import finance, funded
from tests.application.memory import Memory
from tests.application.people import ANA, BOB, FINANCE, registered
from tests.application.test_exchange import BRL, IOF, rated
from tests.application.withdrawing import OPERATOR, USABLE, destined, requested, terms_of
from tests.application.world import NOW, TENANT, an_id, envelope
from tests.domain.ledger.entries import amount

State = TypeVar("State")

USERS = (ANA, BOB)
FOUNDATION = (registered(OPERATOR), *(destined(user=user) for user in USERS), rated("5.40"))
FITTING = {
    "requested": ("approve", "approve", "approve", "cancel", "reject"),
    "approved": ("pay", "pay", "fail"),
    "paid": ("return",),
}
FEE = "0.30"
"""The fee of every line of the provider's account: what it says of one never changes."""


class MoneyMoves:
    """Makes one move at a time, of what the company in memory knows; `name` tells its things from another's."""

    def __init__(self, random: Random, memory: Memory, name: str) -> None:
        self._random = random
        self._memory = memory
        self._name = name
        self._number = 0
        self._terms = replace(
            terms_of("USD"),
            minimum=amount("3.00", "USD"),
            per_day=amount("100000.00", "USD"),
            requests_per_day=1_000,
            second_person_above=None,
        )

    def moves(self) -> tuple[Callable[[], Iterator[Command]], ...]:
        """Return what may happen, the frequent more than once."""
        return (
            self.deposit, self.deposit, self.word_of_the_provider, self.refund, self.dispute, self.payout,
            self.withdrawal, self.withdrawal, self.decision, self.decision, self.transfer, self.transfer,
            self.exchange, self.receipt, self.finance, self.debt, self.debt,
        )  # fmt: skip

    def deposit(self) -> Iterator[Command]:
        """Somebody pays in, and mostly the money comes."""
        name = self._new("deposit")
        yield funded.asked(name, self._value(5, 60), user=self._random.choice(USERS))
        known = funded.deposit(self._memory, name)
        status = self._random.choice(("succeeded", "succeeded", "succeeded", "pending", "failed"))
        yield funded.says(name, known, funded.payment_of(known, status, fee=FEE))

    def word_of_the_provider(self) -> Iterator[Command]:
        """The provider says something of a payment once more, or for the first time, whatever came before."""
        known = self._one_of(Deposit)
        status = self._random.choice(("succeeded", "pending", "failed"))
        yield funded.says(self._new("word"), known, funded.payment_of(known, status, fee=FEE))

    def refund(self) -> Iterator[Command]:
        """A part of a deposit goes back, or comes back, or an earlier one does."""
        if self._random.random() < 0.7:
            name = self._new("refund")
            paid = [one for one in self._all(Deposit) if one.payment is not None and one.left.units > 0]
            of = self._random.choice(paid) if paid else self._one_of(Deposit)
            yield funded.refunded(name, of, self._value(1, 9))
            known = funded.refund(self._memory, name)
        else:
            known = self._one_of(Refund)
        status = self._random.choice(("succeeded", "succeeded", "pending", "failed"))
        yield funded.says_refund(self._new("word"), known, funded.refund_of(known, status, fee=FEE))

    def dispute(self) -> Iterator[Command]:
        """A payer takes a payment back, and it is decided; open withdrawals are cancelled."""
        known = self._one_of(Deposit)
        open_ones = [one for one in self._all(Withdrawal) if one.user == known.user]
        for status in ("open", self._random.choice(("open", "won", "lost"))):
            fact = funded.dispute_of(known, status, fee="15.00")
            yield funded.says_dispute(self._new("word"), known, fact, withdrawals=open_ones)

    def payout(self) -> Iterator[Command]:
        """The provider sends our money to the bank."""
        value, id = self._value(1, 40), self._new("payout")
        for status in ("in_transit", self._random.choice(("arrived", "arrived", "failed"))):
            fact = funded.payout(value, status)
            assert fact.movement is not None
            line = replace(fact.movement, id=f"txn {id}")
            yield funded.says_payout(self._new("word"), replace(fact, id=id, movement=line))

    def withdrawal(self) -> Iterator[Command]:
        """Somebody wants money out."""
        user = self._random.choice(USERS)
        yield requested(self._new("withdrawal"), self._value(3, 15), user=user, terms=self._terms)

    def decision(self) -> Iterator[Command]:
        """Somebody decides on a withdrawal, or the bank says something of it; mostly what fits, maybe more than one."""
        id = self._one_of(Withdrawal).withdrawal
        while True:
            known = self._memory.state(streams.withdrawal(TENANT, id))
            assert isinstance(known, Withdrawal)
            fitting = FITTING.get(known.status.value)
            if fitting is not None or self._random.random() < 0.2:
                yield self._act_on(known, self._random.choice(fitting or ("pay", "cancel")))
            if fitting is None or self._random.random() < 0.4:
                return

    def _act_on(self, known: Withdrawal, act: str) -> Command:
        by = envelope(self._new(act), actor=known.user if act == "cancel" else OPERATOR, now=USABLE)
        match act:
            case "approve":
                return approve_withdrawal(by, known)
            case "cancel":
                return cancel_withdrawal(by, known)
            case "reject":
                return reject_withdrawal(by, known, reason="unclear")
            case "pay":
                return pay_withdrawal(by, known, bank="main", reference="B")
            case "fail":
                return fail_withdrawal(by, known, reason="closed")
            case _:
                return return_withdrawal(by, known, reason="closed")

    def transfer(self) -> Iterator[Command]:
        """One user sends another money."""
        source, target = self._random.sample(USERS, 2)
        name = self._new("sending")
        value = amount(self._value(1, 15), "USD")
        yield make_transfer(envelope(name, actor=source), TransferId(an_id(name)), target, amount=value, note="lunch")

    def exchange(self) -> Iterator[Command]:
        """Somebody exchanges at a quote, and maybe we cover it."""
        user, name = self._random.choice(USERS), self._new("quote")
        id, sold = QuoteId(an_id(name)), amount(self._value(1, 10), "USD")
        yield ask_for_quote(
            envelope(name, actor=user), id, sold, bought=BRL, costs=IOF, expires_at=NOW.replace(minute=5)
        )
        known = self._memory.state(streams.quote(TENANT, id))
        assert isinstance(known, Quote)
        yield accept_quote(envelope(f"accept {name}", actor=user), known)
        if self._random.random() < 0.5:
            cost = amount(f"{self._random.randint(1, 60)}.00", "BRL")
            yield cover(
                envelope(f"cover {name}", actor=FINANCE), EntryId(an_id(f"cover {name}")), bank="main", sold=sold,
                received=cost,
            )  # fmt: skip

    def receipt(self) -> Iterator[Command]:
        """Money comes to the bank without a name, and finds its owner."""
        name = self._new("receipt")
        id = ReceiptId(an_id(name))
        wanted = RecordReceipt(
            receipt=id, bank="main", line=name, amount=amount(self._value(1, 30), "USD"), by=FINANCE, occurred_at=NOW
        )
        yield record_receipt(envelope(name, actor=FINANCE), wanted)
        known = self._memory.state(streams.receipt(TENANT, id))
        assert isinstance(known, Receipt)
        yield identify_receipt(envelope(f"whose {name}", actor=FINANCE), known, user=self._random.choice(USERS))

    def finance(self) -> Iterator[Command]:
        """Client money is topped up or swept, an allowance estimated anew."""
        name = self._new("finance")
        act = self._random.choice(("top-up", "sweep", "allowance"))
        if act != "allowance":
            yield finance.moved(act, self._value(1, 9), reference=name)
            return
        yield self._estimated(name)

    def _estimated(self, name: str) -> Command:
        level = amount(self._value(0, 20), "USD")
        estimate = Estimate(entry=EntryId(an_id(name)), level=level, reason="month end", occurred_at=NOW)
        return set_allowance(envelope(name, actor=FINANCE), estimate)

    def debt(self) -> Iterator[Command]:
        """What somebody owes is given up, and mostly collected after all, when money has come."""
        name, owing = self._new("debt"), [user for user in USERS if self._owed(user)]
        if not owing:
            yield recover_write_off(envelope(name, actor=FINANCE), self._one_of(WriteOff))
            return
        if self._random.random() < 0.5:
            yield self._estimated(f"estimate {name}")
        user = self._random.choice(owing)
        id, part = WriteOffId(an_id(name)), amount(f"{self._random.randint(1, 8)}.00", "USD")
        yield give_up(envelope(name, actor=FINANCE), GivingUp(write_off=id, user=user, amount=part, reason="gone"))
        if self._random.random() < 0.7:
            yield from self._paid(f"pays {name}", user, "60.00")
            known = self._memory.state(streams.write_off(TENANT, id))
            assert isinstance(known, WriteOff)
            yield recover_write_off(envelope(f"recover {name}", actor=FINANCE), known)

    def _paid(self, name: str, user: UserId, value: str) -> Iterator[Command]:
        yield funded.asked(name, value, user=user)
        known = funded.deposit(self._memory, name)
        yield funded.says(name, known, funded.payment_of(known, fee=FEE))

    def _owed(self, user: UserId) -> bool:
        asset = amount("0.00", "USD").asset
        return bool(self._memory.state(streams.book(TENANT, user)).balance(receivable(user), asset))

    def _new(self, thing: str) -> str:
        self._number += 1
        return f"{thing} {self._name}{self._number}"

    def _value(self, least: int, most: int) -> str:
        return f"{self._random.randint(least, most)}.{self._random.randint(0, 99):02}"

    def _all(self, of: type[State]) -> list[State]:
        states = (each.state for each in self._memory.states.values())
        return [state for state in states if isinstance(state, of)]

    def _one_of(self, of: type[State]) -> State:
        """Return one of the things there are. Raises `NothingThere`."""
        there = self._all(of)
        if not there:
            raise NothingThere
        return self._random.choice(there)


class NothingThere(Exception):
    """There is nothing yet that this could happen to."""
