"""Random days of a small company: what people post, what flows post, transfers, reversals, orders. Half of it is sound.

Every move goes through the use cases and the real deciders; what the rules refuse leaves nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from application import streams
from application.codec import encode
from application.commands import Body, Command
from application.execution import record_answer, submit_order
from application.ledger import post_entry, reverse_entry
from application.log import Recorded
from application.orders import place_order
from application.store import Store
from application.work import Work
from domain import paper
from domain.errors import DomainError
from domain.ids import EntryId, OrderId
from domain.instruments import InstrumentId
from domain.ledger.entry import EntryPosted, JournalEntry
from domain.orders.commands import PlaceOrder, SubmitOrder
from domain.orders.terms import OrderType, Side
from domain.positions.terms import Market
from tests.application.memory import Memory
from tests.application.people import ANA, BOB, CONNECTION, FINANCE, PEOPLE, btc, connected, usd
from tests.application.world import NOW, TENANT, an_id, command, envelope, flow
from tests.domain.ledger.entries import postings
from tests.properties import money_moves
from tests.properties.money_moves import MoneyMoves, NothingThere

Move = Callable[[], Iterator[Command]]
USERS = (ANA, BOB)
FOUNDATION = (*PEOPLE, connected("10000"), *money_moves.FOUNDATION)
MANUAL = (
    "bank:own +{n} | liabilities:users:{u}:real:available -{n}",
    "liabilities:users:{u}:real:available +{n} | bank:own -{n}",
    "bank:own +{n} | liabilities:users:{u}:prepaid:available -{n}",
    "assets:receivable:users:{u} +{n} | bank:own -{n}",
    "bank:own +{n} | assets:receivable:users:{u} -{n}",
    "bank:own +{n} | equity:owner -{n}",
    "expenses:bank_fees +{n} | bank:own -{n}",
)
UNSOUND = (
    "bank:own +{n} | liabilities:users:{u}:real:available -{n} | bank:own +1.00",
    "bank:own +{n} | liabilities:users:{u}:real:held -{n}",
    "memo:bonus:issued +{n} | memo:users:{u}:bonus -{n}",
    "bank:own +{n} | clearing:transfers -{n}",
    "liabilities:users:{u}:real:available +{n} | liabilities:users:{v}:real:available -{n}",
    "bank:own +{n} | bank:own -{n} | bank:own +0.00",
    "bank:own +{n}",
)
FLOWS = {
    "bonus_granted": "memo:bonus:issued +{n} | memo:users:{u}:bonus -{n}",
    "trading_commission": "memo:users:{u}:bonus +{n} | memo:bonus:issued -{n} | revenue:discounts +{n} |"
    " revenue:trading_commission -{n}",
}


class MemoryStore(Store):
    """Finds events in a log in memory."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def find_event(self, event_id: str) -> Recorded | None:
        for stream, event in self._memory.appended:
            if isinstance(event, EntryPosted) and event.entry.id == event_id:
                name, state = encode(event)
                return Recorded(1, stream, 1, name, state, event_id, TENANT, "", "", "", None, 1, 1, 1, NOW)
        return None


@dataclass
class Company:
    """A company in memory that random moves happen to: what was asked of it, and what was written together."""

    random: Random
    name: str = ""
    memory: Memory = field(default_factory=Memory)
    asked: list[Command] = field(default_factory=list)
    appends: list[list[tuple[str, Any]]] = field(default_factory=list)
    accepted: int = 0
    refused: int = 0
    tried: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    _number: int = 0

    def __post_init__(self) -> None:
        self._money = MoneyMoves(self.random, self.memory, self.name)
        for one in FOUNDATION:
            self.appends.append(self.memory.submit(one)[1])

    def live(self, moves: int) -> Iterator[None]:
        """Make moves; yield after each that was accepted."""
        sound = (self._manual, self._manual, self._flow, self._flow, self._transfer, self._reversal, self._trade)
        choices: tuple[Move, ...] = (*sound, *sound, self._unsound, *self._money.moves())
        for _ in range(moves):
            self._number += 1
            try:
                for one in self.random.choice(choices)():
                    self.asked.append(one)
                    self.tried[one.name] += 1
                    self.appends.append(self.memory.submit(one)[1])
                    self.done[one.name] += 1
            except NothingThere:
                continue
            except DomainError:
                self.refused += 1
            else:
                self.accepted += 1
                yield

    def _text(self, template: str) -> str:
        first, other = self.random.sample(USERS, 2)
        return template.format(n=f"{self.random.randint(1, 30)}.00", u=first, v=other)

    def _manual(self, templates: tuple[str, ...] = MANUAL) -> Iterator[Command]:
        id = EntryId(an_id(f"entry {self.name}{self._number}"))
        reference = self.random.choice((id, id, f"r{self.random.randint(1, 20)}"))
        made = JournalEntry(
            id=id,
            kind="adjustment",
            reference=reference,
            occurred_at=NOW,
            effective_at=NOW,
            postings=postings(self._text(self.random.choice(templates))),
        )
        yield post_entry(envelope(id, actor=FINANCE), made)

    def _unsound(self) -> Iterator[Command]:
        return self._manual(UNSOUND)

    def _flow(self) -> Iterator[Command]:
        kind, template = self.random.choice(list(FLOWS.items()))
        user = self.random.choice(USERS)
        text = template.format(n=f"{self.random.randint(1, 20)}.00", u=user)
        posting = flow(text, id=an_id(f"flow {self.name}{self._number}"), kind=kind)
        book = streams.book(TENANT, user)
        yield command(f"flow {self.name}{self._number}", book, decide=lambda work: {"n": len(work.run(book, posting))})

    def _transfer(self) -> Iterator[Command]:
        """The test-only command of two entries that meet in a clearing account."""
        source, target = self.random.sample(USERS, 2)
        yield transfer(f"transfer {self.name}{self._number}", source, target, amount=f"{self.random.randint(1, 15)}.00")

    def _reversal(self) -> Iterator[Command]:
        """Reverse what was posted lately: mostly what a person posted, for nothing else may be."""
        posted = [event.entry for _, event in self.memory.appended if isinstance(event, EntryPosted)][-12:]
        manual = [entry for entry in posted if entry.kind == "adjustment"]
        original = self.random.choice(manual if manual and self.random.random() < 0.7 else posted).id
        name = f"reversal {self.name}{self._number}"
        making = reverse_entry(
            envelope(name, actor=FINANCE),
            MemoryStore(self.memory),
            original=original,
            reversal=EntryId(an_id(name)),
            effective_at=NOW,
            note="",
        )
        yield _result(making.send)

    def _trade(self) -> Iterator[Command]:
        order = PlaceOrder(
            order=OrderId(an_id(f"order {self.name}{self._number}")),
            user=ANA,
            connection=CONNECTION,
            instrument=InstrumentId("btc-usd"),
            strategy=None,
            side=self.random.choice(tuple(Side)),
            type=OrderType.MARKET,
            quantity=btc(f"0.{self.random.randint(1, 9)}"),
            quote_amount=None,
            occurred_at=NOW,
        )
        yield place_order(envelope(f"place {order.order}", actor=ANA), order)
        claim = SubmitOrder(epoch=1, deadline=NOW, occurred_at=NOW)
        yield submit_order(envelope(f"submit {order.order}"), order.order, claim)
        opening = paper.Opening(at=NOW, price=usd(str(self.random.randint(9_000, 11_000))))
        terms = paper.Terms(slippage_bps=3, fee_bps=10)
        yield record_answer(
            envelope(f"answer {order.order}"),
            self.memory.state(streams.order(TENANT, order.order)),
            market=Market.SPOT,
            answer=lambda holdings: paper.execute(
                self.memory.state(streams.order(TENANT, order.order)), opening, terms=terms, holdings=holdings
            ),
        )


def transfer(key: str, source: str, target: str, *, amount: str) -> Command:
    """Return the test-only command that moves money from one user's book to another's."""
    books = streams.book(TENANT, source), streams.book(TENANT, target)
    texts = (
        f"liabilities:users:{source}:real:available +{amount} | clearing:transfers -{amount}",
        f"clearing:transfers +{amount} | liabilities:users:{target}:real:available -{amount}",
    )

    def decide(work: Work) -> Body:
        for book, text in zip(books, texts, strict=True):
            work.run(book, flow(text, id=an_id(f"{key} {book}"), kind="transfer"))
        return {}

    return command(key, *books, decide=decide, weight=2)


def _result(step: Callable[[None], object]) -> Command:
    """Run a coroutine that waits for nothing."""
    try:
        step(None)
    except StopIteration as ended:
        made: Command = ended.value
        return made
    raise AssertionError("it waits for something")
