"""Random commands on one user's book, judged by the same history kept in dictionaries.

The judge knows the rules as ACCOUNTING states them and nothing of how the book keeps them.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import permutations
from random import Random

from domain import claims
from domain.errors import DomainError
from domain.ids import AccountPath, EntryId
from domain.ledger import book
from domain.ledger.book import INITIAL, Book, PostEntry, ReverseEntry
from domain.ledger.entry import EntryReversed, JournalEntry, Posting
from domain.ledger.manual import MAX_POSTINGS
from domain.money import MAX_UNITS, Amount, Asset, Rounding
from tests.domain.ledger.entries import NOW, USER, path

Command = PostEntry | ReverseEntry

ASSETS = (Asset("USD", 2), Asset("BTC", 18))
WITHDRAWABLE = (path("user:real:available"), path("user:commission:available"))
OWED = path("receivable:user")
BY_HAND = (*WITHDRAWABLE, OWED, path("user:prepaid:available"), path("psp:stripe"), path("expenses:disputes"))
BY_FLOW = (*BY_HAND, path("user:real:held"), path("payable:user"))
MEMO = (path("user:bonus"), path("user:credits"), path("memo:bonus:issued"))
FOREIGN = "f" * 32
STRANGER = path("A:real:available")
PEOPLES_KINDS, FLOWS_KINDS = ("adjustment", "correction"), ("deposit", "withdrawal_requested")


@dataclass
class History:
    """What happened to one user's book, and what a bookkeeper with dictionaries makes of it."""

    book: Book = INITIAL
    entries: list[JournalEntry] = field(default_factory=list)
    reversals: dict[EntryId, claims.State] = field(default_factory=dict)
    reversed_ids: list[EntryId] = field(default_factory=list)
    balances: Counter[tuple[str, str]] = field(default_factory=Counter)
    debits: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def submit(self, command: Command) -> bool:
        """Decide a command and hold the outcome against the rules. Return whether it was accepted."""
        try:
            claimed = self._claim(command)
            (event,) = book.decide(self.book, command)
        except DomainError:
            return False
        self.reversals |= claimed
        self.book = book.evolve(self.book, event)
        self._keep(event.entry)
        self._judge(command, event.entry)
        return True

    def _claim(self, command: Command) -> dict[EntryId, claims.State]:
        if isinstance(command, PostEntry):
            return {}
        state = self.reversals.get(command.original.id, claims.INITIAL)
        for event in claims.decide(state, EntryReversed(entry=command.original.id, reversal=command.id)) or ():
            state = claims.evolve(state, event)
        return {command.original.id: state}

    def _keep(self, entry: JournalEntry) -> None:
        self.entries.append(entry)
        kind = "manual" if entry.kind in PEOPLES_KINDS else entry.kind
        for posting in entry.postings:
            line = (posting.account, posting.amount.asset.code)
            self.balances[line] += posting.amount.units
            if posting.amount.units > 0 and is_guarded(posting.account):
                self.debits[kind, *line] += posting.amount.units

    def _judge(self, command: Command, entry: JournalEntry) -> None:
        guarded = {line: units for line, units in self.balances.items() if is_guarded(line[0])}
        assert guarded == self.book.balances, "a book keeps the balances of its guarded accounts"
        assert self.debits == self.book.debits_of_day, "a book keeps the day's debits"
        assert entry.effective_at <= NOW, "accounting time is not ahead of the clock"
        for (account, _), units in guarded.items():
            assert USER in account, "12: an entry touches guarded accounts of one book only"
            assert units * (1 if account == OWED else -1) >= 0, "3: no guarded account is on its wrong side"
        self._judge_sums(entry)
        match command:
            case ReverseEntry():
                self._judge_reversal(command.original, entry)
                self._judge_manual(entry)
            case PostEntry(manual=True):
                assert entry.kind in PEOPLES_KINDS, "a flow's kind is its own"
                self._judge_manual(entry)
            case PostEntry():
                assert command.owner_known, "money of somebody who does not exist"

    def _judge_sums(self, entry: JournalEntry) -> None:
        sums: Counter[tuple[bool, str]] = Counter()
        for posting in entry.postings:
            assert posting.amount, "1: no posting is zero"
            assert abs(posting.amount.units) < MAX_UNITS, "a posting stays below the limit"
            sums[posting.account.startswith("memo:"), posting.amount.asset.code] += posting.amount.units
        assert not any(sums.values()), "1: an entry sums to zero per asset in each realm"
        assert len(entry.postings) > 1, "1: an entry has at least two postings"
        assert len({posting.amount.asset for posting in entry.postings}) == len({code for _, code in sums}), "one scale"
        for asset in ASSETS:
            assert sum(units for (_, code), units in self.balances.items() if code == asset.code) == 0, "2: all entries"

    def _judge_reversal(self, original: JournalEntry, entry: JournalEntry) -> None:
        lines = [(posting.account, -posting.amount) for posting in original.postings]
        assert lines == [(posting.account, posting.amount) for posting in entry.postings], "13: a reversal negates"
        assert original.kind in PEOPLES_KINDS, "13: neither a reversal nor a flow's entry is reversed"
        assert original.id not in self.reversed_ids, "13: each entry at most once"
        self.reversed_ids.append(original.id)

    def _judge_manual(self, entry: JournalEntry) -> None:
        assert len(entry.postings) <= MAX_POSTINGS, "a manual entry has a bounded size"
        assert entry.reference != FOREIGN, "another entry's id is no reference"
        assert {posting.account for posting in entry.postings} <= set(BY_HAND), "12: reserved accounts are their flows'"
        for code in {posting.amount.asset.code for posting in entry.postings if is_guarded(posting.account)}:
            available = any(self.balances[account, code] for account in WITHDRAWABLE)
            assert not (available and self.balances[OWED, code]), "17: nothing is available to somebody who owes"


def is_guarded(account: str) -> bool:
    return account.startswith(("liabilities:users:", "memo:users:", "assets:receivable:users:"))


@dataclass
class Draft:
    """An entry that may still be spoilt."""

    postings: list[Posting]
    manual: bool
    kind: str
    effective_at: datetime = NOW
    owner_known: bool = True
    reference: str = ""

    def command(self, id: EntryId) -> PostEntry:
        """Return the command that posts it. Raises where no such entry can be constructed."""
        entry = JournalEntry(
            id=id,
            kind=self.kind,
            reference=self.reference or id,
            occurred_at=NOW,
            effective_at=self.effective_at,
            postings=tuple(self.postings),
        )
        return PostEntry(entry=entry, now=NOW, manual=self.manual, owner_known=self.owner_known)


def random_command(random: Random, history: History) -> Command | None:
    """Return a command, mostly one that the balances allow; None where no such entry can be constructed."""
    id = EntryId(f"{len(history.entries):032x}")
    if history.entries and random.random() < REVERSED:
        return ReverseEntry(original=random.choice(history.entries), id=id, now=NOW, effective_at=NOW)
    draft = _draft(random, history)
    if random.random() < SPOILT:
        random.choice(SPOILING)(draft)
    try:
        return draft.command(id)
    except DomainError:
        return None


def _draft(random: Random, history: History) -> Draft:
    manual, asset = random.random() < 0.5, random.choice(ASSETS)
    accounts = BY_HAND if manual else random.choice((BY_FLOW, MEMO))
    limits = [(pair, _limit(history, pair, asset.code)) for pair in permutations(accounts, 2)]
    (debited, credited), limit = random.choice([found for found in limits if found[1]])
    units = random.randint(1, limit) if random.random() < MODEST else limit + 1
    return Draft(
        postings=[Posting(debited, asset.amount(units)), Posting(credited, asset.amount(-units))],
        manual=manual,
        kind=random.choice(PEOPLES_KINDS if manual else FLOWS_KINDS),
    )


def _limit(history: History, pair: tuple[AccountPath, AccountPath], code: str) -> int:
    """Return how much can be debited and credited to two accounts without taking what is not there."""
    debited, credited = pair
    limits = [HOUSE_LIMIT]
    if is_guarded(debited) and debited != OWED:
        limits.append(-history.balances[debited, code])
    if credited == OWED:
        limits.append(history.balances[OWED, code])
    return min(limits)


def _unbalance(draft: Draft) -> None:
    account, amount = draft.postings[0].account, draft.postings[0].amount
    draft.postings[0] = Posting(account, Amount(amount.units + 1, amount.asset))


def _leave_a_realm(draft: Draft) -> None:
    draft.postings[0] = Posting(path("user:bonus" if draft.manual else "psp:stripe"), draft.postings[0].amount)


def _add_nothing(draft: Draft) -> None:
    draft.postings.append(Posting(path("psp:stripe"), draft.postings[0].amount.asset.amount(0)))


def _post_nothing(draft: Draft) -> None:
    draft.postings.clear()


def _pay_two_people(draft: Draft) -> None:
    paid = abs(draft.postings[0].amount)
    draft.postings = [Posting(account, -paid) for account in (path("user:prepaid:available"), STRANGER)]
    draft.postings += [Posting(path("psp:stripe"), paid)] * 2


def _touch_what_is_reserved(draft: Draft) -> None:
    draft.postings[1] = Posting(path("user:real:held"), draft.postings[1].amount)


def _use_too_many_lines(draft: Draft) -> None:
    draft.postings = [Posting(path("psp:stripe"), abs(draft.postings[0].amount)) for _ in range(MAX_POSTINGS)]
    draft.postings.append(
        Posting(path("expenses:disputes"), draft.postings[0].amount.times(-MAX_POSTINGS, rounding=Rounding.DOWN))
    )


def _move_too_much(draft: Draft) -> None:
    much = draft.postings[0].amount.asset.amount(MAX_UNITS)
    draft.postings = [Posting(path("psp:stripe"), much), Posting(path("expenses:disputes"), -much)]


def _mix_scales(draft: Draft) -> None:
    one, other = (Asset("USD", scale).amount(1) for scale in (2, 18))
    draft.postings = [Posting(path("psp:stripe"), one), Posting(path("expenses:disputes"), -other)]


def _name_another_entry(draft: Draft) -> None:
    draft.reference = FOREIGN


def _take_a_flows_kind(draft: Draft) -> None:
    draft.kind = FLOWS_KINDS[0]


def _be_early(draft: Draft) -> None:
    draft.effective_at = NOW + timedelta(seconds=1)


def _be_unknown(draft: Draft) -> None:
    draft.owner_known = False


REVERSED, SPOILT, MODEST, HOUSE_LIMIT = 0.15, 0.25, 0.9, 10_000
SPOILING: tuple[Callable[[Draft], None], ...] = (
    _unbalance,
    _leave_a_realm,
    _add_nothing,
    _use_too_many_lines,
    _move_too_much,
    _mix_scales,
    _name_another_entry,
    _post_nothing,
    _pay_two_people,
    _touch_what_is_reserved,
    _take_a_flows_kind,
    _be_early,
    _be_unknown,
)
