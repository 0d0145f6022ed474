"""Whatever users, staff and a provider say in whatever order, the books say what the provider's account says."""

from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from application import streams
from application.commands import Command
from domain.errors import DomainError
from domain.funding.deposit import Deposit
from domain.funding.deposit_events import Status
from domain.funding.refund import Refund
from domain.funding.refund import Status as RefundStatus
from domain.ledger.accounts import Bucket, available, held, receivable
from domain.ledger.book import Book
from domain.money import Amount
from domain.payments import BalanceMovement
from tests.application import funded
from tests.application.memory import Memory
from tests.application.people import PEOPLE
from tests.application.world import BOOK, TENANT, booking
from tests.domain.funding.facts import line, usd
from tests.domain.ledger.entries import USER
from tests.properties.invariants import Ledger

MOST = 4
ACTS = (
    "deposit", "pending", "succeeded", "failed", "refund", "refund succeeded", "refund failed", "open", "won", "lost",
    "spend", "earn",
)  # fmt: skip
STEPS = st.lists(
    st.tuples(st.sampled_from(ACTS), st.integers(0, MOST - 1), st.integers(1, 9_999), st.integers(0, 500)), max_size=60
)
ZERO = usd("0.00")


class Desk:
    """A user's money in memory, the ledger that checks every append, and the provider's own account."""

    def __init__(self) -> None:
        self.memory = Memory().given(*PEOPLE)
        self.ledger = Ledger()
        self.turn = 0
        self.lines: dict[str, int] = {}
        self.spent = 0

    def take(self, act: str, number: int, cents: int, fee: int) -> None:  # noqa: PLR0917 - a drawn step
        """Try a step; what the rules refuse leaves nothing. What a provider says is repeated at once."""
        self.turn += 1
        for again in ("", "again"):
            made = self.command(f"{act} {number} {self.turn} {again}", act, number=number, cents=cents, fee=fee)
            if made is None:
                return
            try:
                _, written = self.memory.submit(made)
            except DomainError:
                return
            self.ledger.take(written)
            self.check()
            if act in {"deposit", "refund", "spend", "earn"}:
                return

    def command(self, key: str, act: str, *, number: int, cents: int, fee: int) -> Command | None:
        value, charge = ZERO.asset.amount(cents).format_full(), ZERO.asset.amount(fee).format_full()
        name = f"d{number}"
        known = self.memory.state(streams.deposit(TENANT, funded.deposit_id(name)))
        match act:
            case "deposit":
                return funded.asked(name, value)
            case "spend":
                text = f"user:real:available +{value} | bank:own -{value}"
                return booking(key, text, kind="refund_settled")
            case "earn":
                text = f"expenses:affiliate_commission +{value} | user:commission:available -{value}"
                return None if self.owed() else booking(key, text, kind="affiliate_share")
            case _ if not isinstance(known, Deposit):
                return None
            case "refund":
                return funded.refunded(f"{name} {cents}", known, value)
            case "pending" | "succeeded" | "failed":
                fact = funded.payment_of(known, act)
                return funded.says(key, known, replace(fact, movement=self.fixed(fact.movement, charge)))
            case "refund succeeded" | "refund failed":
                return self.refund_of(key, known, status=act.split()[1], fee=charge)
            case _:
                return self.dispute_of(key, known, status=act, fee=charge)

    def refund_of(self, key: str, known: Deposit, *, status: str, fee: str) -> Command | None:
        """Return a word about the oldest refund of a deposit that is not settled, or the first one."""
        ours = [one for one in self.refunds() if one.deposit == known.deposit]
        if not ours:
            return None
        one = next((each for each in ours if each.status is not RefundStatus.SETTLED), ours[0])
        fact = funded.refund_of(one, status)
        return funded.says_refund(key, one, replace(fact, movement=self.fixed(fact.movement, fee)))

    def dispute_of(self, key: str, known: Deposit, *, status: str, fee: str) -> Command | None:
        if known.payment is None:
            return None
        fact = funded.dispute_of(known, status)
        taken, returned = self.fixed(fact.taken, fee), self.fixed(fact.returned, fee)
        return funded.says_dispute(key, known, replace(fact, taken=taken, returned=returned))

    def fixed(self, movement: BalanceMovement | None, fee: str) -> BalanceMovement | None:
        """Return a line as the provider booked it first: what it says of one line never changes."""
        if movement is None:
            return None
        units = self.lines.setdefault(movement.id, usd(fee).units)
        return line(movement.id, movement.settled, ZERO.asset.amount(units).format_full())

    def refunds(self) -> list[Refund]:
        states = [each.state for name, each in self.memory.states.items() if ":refund-" in name]
        return [state for state in states if isinstance(state, Refund)]

    def balance(self, account: str) -> Amount:
        state = self.memory.state(BOOK)
        assert isinstance(state, Book)
        return state.balance(account, ZERO.asset)

    def owed(self) -> Amount:
        return self.balance(receivable(USER))

    def check(self) -> None:
        """Compare the books with themselves and with what the subjects say."""
        free = [self.balance(available(USER, bucket)) for bucket in (Bucket.REAL, Bucket.COMMISSION)]
        assert not (self.owed() and any(free)), "nobody who owes has money available"
        pending = {RefundStatus.REQUESTED, RefundStatus.PENDING, RefundStatus.PENDING_PROVIDER}
        waiting = sum(one.amount.units for one in self.refunds() if one.status in pending)
        assert -self.balance(held(USER, Bucket.REAL)).units == waiting, "what is on hold is what goes back"
        assert self.psp() == self.at_provider(), "our account at the provider is the provider's own"

    def psp(self) -> int:
        return self.ledger.balances[f"assets:psp:{funded.STRIPE}", "USD"]

    def at_provider(self) -> int:
        """Add up what was booked of the provider's lines."""
        total: Counter[str] = Counter()
        for name, each in self.memory.states.items():
            match each.state:
                case Deposit(status=Status.SETTLED, amount=amount, movement=str(movement)) if ":deposit-" in name:
                    total[movement] = amount.units - self.lines[movement]
                case Refund(movement=BalanceMovement() as booked, status=status):
                    gone = booked.settled.units if status is RefundStatus.SETTLED else 0
                    total[booked.id] = -gone - booked.fee.units
                case _ if ":dispute-" in name and each.state is not None:
                    state = each.state
                    if state.taken is not None:
                        total[state.taken] = -state.amount.units - self.lines[state.taken]
                    if state.returned is not None:
                        total[state.returned] = state.amount.units + self.lines[state.returned]
                case _:
                    pass
        return sum(total.values())


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_the_books_are_the_providers_account_after_any_words_in_any_order(
    steps: list[tuple[str, int, int, int]],
) -> None:
    desk = Desk()
    for step in steps:
        desk.take(*step)
