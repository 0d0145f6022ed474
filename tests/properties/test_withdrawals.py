"""Whatever is asked, decided, paid and returned, the books say what the withdrawals say, to the last cent."""

from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from application import streams
from application.commands import Command
from application.withdrawals import (
    Charge,
    approve_withdrawal,
    cancel_withdrawal,
    fail_withdrawal,
    pay_withdrawal,
    reject_withdrawal,
    return_withdrawal,
)
from domain.errors import DomainError
from domain.ledger.accounts import Bucket, available
from domain.withdrawals.terms import Status
from domain.withdrawals.withdrawal import Withdrawal
from tests.application.memory import Memory
from tests.application.withdrawing import OPERATOR, STAFF, USABLE, destined, requested, terms_of
from tests.application.world import BOOK, TENANT, an_id, booking, envelope
from tests.domain.ledger.entries import USER
from tests.domain.withdrawals.withdrawals import usd
from tests.properties.invariants import Ledger

MOST = 6
TERMS = replace(
    terms_of("USD"), minimum=usd("3.00"), per_day=usd("100000"), requests_per_day=100, second_person_above=None
)
ACTS = ("request", "cancel", "approve", "reject", "pay", "fail", "return", "deposit", "earn", "chargeback")
STEPS = st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, MOST - 1), st.integers(300, 9_999)), max_size=40)


class Desk:
    """A user's money in memory, and the ledger that checks every append."""

    def __init__(self) -> None:
        self.memory = Memory().given(*STAFF, destined())
        self.ledger = Ledger()
        self.turn = 0

    def take(self, act: str, number: int, cents: int) -> None:
        """Try a step; what the rules refuse leaves nothing."""
        self.turn += 1
        made = self._command(act, number, cents)
        if made is None:
            return
        try:
            _, written = self.memory.submit(made)
        except DomainError:
            return
        self.ledger.take(written)
        self.check()

    def withdrawals(self) -> list[Withdrawal]:
        states = (self.memory.state(streams.withdrawal(TENANT, an_id(f"w{number}"))) for number in range(MOST))
        return [state for state in states if isinstance(state, Withdrawal)]

    def check(self) -> None:
        """Compare the books with the withdrawals: holds, what is to be paid, what was paid, tax and fees."""
        wanted: Counter[str] = Counter()
        for one in self.withdrawals():
            net_of_tax = (one.amount - one.withheld).units
            match one.status:
                case Status.REQUESTED:
                    wanted[f"liabilities:users:{USER}:{one.bucket}:held"] -= one.amount.units
                case Status.APPROVED:
                    wanted[f"liabilities:withdrawals:payable:{USER}"] -= net_of_tax
                    wanted["liabilities:taxes:withholding"] -= one.withheld.units
                case Status.PAID:
                    wanted["assets:bank:client:main"] -= one.net.units
                    wanted["revenue:withdrawal_fees"] -= one.fee.units
                    wanted["liabilities:taxes:withholding"] -= one.withheld.units
                case _:
                    pass
        books = {account: units for (account, _), units in self.ledger.balances.items() if account in ACCOUNTS}
        assert {account: units for account, units in books.items() if units} == {k: v for k, v in wanted.items() if v}
        owed = self.ledger.balances[f"assets:receivable:users:{USER}", "USD"]
        for bucket in (Bucket.REAL, Bucket.COMMISSION):
            assert not owed or not self.ledger.balances[available(USER, bucket), "USD"], "17: nothing while owing"
        open_ones = {one.withdrawal for one in self.withdrawals() if one.status is Status.REQUESTED}
        assert set(self.memory.state(BOOK).open_withdrawals.values()) == open_ones

    def _command(self, act: str, number: int, cents: int) -> Command | None:
        money, name = f"{cents // 100}.{cents % 100:02}", f"w{number}"
        match act:
            case "request":
                bucket = Bucket.COMMISSION if cents % 2 else Bucket.REAL
                return requested(name, money, bucket=bucket, terms=TERMS)
            case "deposit" | "earn" | "chargeback":
                return self._money(act, cents)
            case _:
                return self._decision(act, name)

    def _decision(self, act: str, name: str) -> Command | None:
        known = self.memory.state(streams.withdrawal(TENANT, an_id(name)))
        if known is None:
            return None
        by = envelope(f"{self.turn}", actor=USER if act == "cancel" else OPERATOR, now=USABLE)
        charge = Charge(amount=usd("1.00"), bank="main") if self.turn % 2 else None
        match act:
            case "cancel":
                return cancel_withdrawal(by, known)
            case "approve":
                return approve_withdrawal(by, known)
            case "reject":
                return reject_withdrawal(by, known, reason="unclear")
            case "pay":
                return pay_withdrawal(by, known, bank="main", reference="B")
            case "fail":
                return fail_withdrawal(by, known, reason="closed", charge=charge)
            case _:
                return return_withdrawal(by, known, reason="closed", charge=charge)

    def _money(self, act: str, cents: int) -> Command:
        """Give money, first to what is owed; or take it back, first from what is there (ACCOUNTING)."""
        source, bucket = ("expenses:affiliate_commission", "commission") if act == "earn" else ("psp:stripe", "real")
        owed = self.ledger.balances[f"assets:receivable:users:{USER}", "USD"]
        there = -self.ledger.balances[available(USER, Bucket.REAL), "USD"]
        if act == "chargeback":
            taken = min(there, cents)
            earned = min(-self.ledger.balances[available(USER, Bucket.COMMISSION), "USD"], cents - taken)
            lines = [(f"user:{bucket}:available", taken), ("user:commission:available", earned)]
            lines += [("receivable:user", cents - taken - earned), ("psp:stripe", -cents)]
        else:
            paid = min(owed, cents)
            lines = [(source, cents), ("receivable:user", -paid), (f"user:{bucket}:available", paid - cents)]
        text = " | ".join(f"{account} {signed(units)}" for account, units in lines if units)
        kind = {"deposit": "deposit", "earn": "affiliate_share", "chargeback": "chargeback"}[act]
        return booking(f"{act} {self.turn}", text, kind=kind)


def signed(cents: int) -> str:
    return f"{'-' if cents < 0 else '+'}{abs(cents) // 100}.{abs(cents) % 100:02}"


ACCOUNTS = {
    f"liabilities:users:{USER}:real:held",
    f"liabilities:users:{USER}:commission:held",
    f"liabilities:withdrawals:payable:{USER}",
    "liabilities:taxes:withholding",
    "assets:bank:client:main",
    "revenue:withdrawal_fees",
}


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_the_books_say_what_the_withdrawals_say(steps: list[tuple[str, int, int]]) -> None:
    desk = Desk()
    for step in steps:
        desk.take(*step)


def test_a_long_day_comes_to_every_end() -> None:
    desk = Desk()
    desk.take("deposit", 0, 9_999)
    desk.take("earn", 0, 9_999)
    for number, acts in enumerate(
        (["cancel"], ["reject"], ["approve", "fail"], ["approve", "pay"], ["approve", "pay", "return"])
    ):
        for act in ("request", *acts):
            desk.take(act, number, 1_000 + number)
    assert {one.status for one in desk.withdrawals()} == set(Status) - {Status.REQUESTED, Status.APPROVED}
