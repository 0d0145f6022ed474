"""Transfers: both books in one append, and nothing where a rule is broken."""

import pytest

from application import streams
from application.commands import Body, Command
from application.transfers import make_transfer
from application.users import change_user
from application.work import Work
from domain.errors import DomainError
from domain.ids import TransferId, UserId
from domain.ledger.accounts import Bucket, available, receivable
from domain.ledger.book import InsufficientFunds
from domain.ledger.entry import EntryPosted
from domain.transfers import CLEARING, RecipientNotActive, TransferToSelf
from domain.users import SuspendUser, UnknownUser
from tests.application.memory import Memory
from tests.application.people import ANA, BOB, FINANCE, PEOPLE
from tests.application.world import TENANT, an_id, command, envelope, flow
from tests.domain.ledger.entries import amount


def sent(name: str, value: str, *, sender: str = ANA, recipient: str = BOB) -> Command:
    return make_transfer(
        envelope(name, actor=sender),
        TransferId(an_id(name)),
        UserId(recipient),
        amount=amount(value, "USD"),
        note="lunch",
    )


def given(*flows: tuple[str, str, str]) -> Memory:
    """Return a memory with people, and entries of flows on books: owner, kind, lines."""
    memory = Memory()
    for one in PEOPLE:
        memory.submit(one)
    for number, (owner, kind, text) in enumerate(flows):
        memory.submit(posted(f"flow {number}", owner, kind=kind, text=text))
    return memory


def posted(name: str, owner: str, *, kind: str, text: str) -> Command:
    book = streams.book(TENANT, owner)

    def decide(work: Work) -> Body:
        return {"n": len(work.run(book, flow(text, id=an_id(name), kind=kind)))}

    return command(name, book, decide=decide)


def paid_in(user: str, value: str) -> tuple[str, str, str]:
    return user, "deposit", f"psp:stripe +{value} | liabilities:users:{user}:real:available -{value}"


def has(memory: Memory, account: str, owner: str) -> int:
    units: int = memory.state(streams.book(TENANT, owner)).balances.get((account, "USD"), 0)
    return units


def test_money_leaves_one_book_and_is_in_the_other_in_one_append() -> None:
    memory = given(paid_in(ANA, "100.00"))
    _, append = memory.submit(sent("t", "10.00"))
    entries = [event.entry for _, event in append if isinstance(event, EntryPosted)]
    assert [[(line.account, str(line.amount)) for line in entry.postings] for entry in entries] == [
        [(available(ANA, Bucket.REAL), "10.00 USD"), (CLEARING, "-10.00 USD")],
        [(CLEARING, "10.00 USD"), (available(BOB, Bucket.REAL), "-10.00 USD")],
    ]
    assert len({entry.effective_at for entry in entries}) == 1
    assert {(entry.kind, entry.reference, entry.note) for entry in entries} == {("transfer", an_id("t"), "lunch")}
    assert has(memory, available(BOB, Bucket.REAL), BOB) == -1_000


def test_whoever_owes_pays_first_with_what_comes_in() -> None:
    owed = BOB, "chargeback", f"assets:receivable:users:{BOB} +4.00 | psp:stripe -4.00"
    memory = given(paid_in(ANA, "100.00"), owed)
    memory.submit(sent("t", "10.00"))
    assert has(memory, receivable(BOB), BOB) == 0
    assert has(memory, available(BOB, Bucket.REAL), BOB) == -600


@pytest.mark.parametrize(
    ("tried", "broken"),
    [
        (sent("t", "100.01"), InsufficientFunds),
        (sent("t", "1.00", recipient=ANA), TransferToSelf),
        (sent("t", "1.00", recipient=an_id("nobody")), UnknownUser),
        (sent("t", "1.00", sender=BOB, recipient=ANA), InsufficientFunds),
    ],
)
def test_what_cannot_be_sent_is_refused_and_moves_nothing(tried: Command, broken: type[DomainError]) -> None:
    memory = given(paid_in(ANA, "100.00"))
    before = len(memory.appended)
    with pytest.raises(broken):
        memory.submit(tried)
    assert len(memory.appended) == before


def test_nothing_is_sent_to_a_suspended_user() -> None:
    memory = given(paid_in(ANA, "100.00"))
    memory.submit(change_user(envelope("suspend", actor=FINANCE), SuspendUser(user=BOB, by=FINANCE)))
    with pytest.raises(RecipientNotActive):
        memory.submit(sent("t", "1.00"))
