"""Five signed messages of Stripe about a deposit and its dispute: in every order, repeated, and with gaps.

They are verified and read through Stripe's own library; the books end as Stripe's own account of our money does.
"""

from collections.abc import AsyncIterator, Sequence
from itertools import combinations, permutations

import pytest

from application import streams
from application.codec import decode
from application.committer import Committer
from application.disputes import dispute_id
from application.inbox import inbox_command_id, receive_provider_event
from application.ports import PaymentRequest
from application.store import Store
from domain.ledger.accounts import Bucket, available, receivable
from domain.ledger.book import Book
from domain.ledger.entry import Posting
from interfaces.payments.stripe import NAME, StripePayments
from interfaces.postgres.configuration import Urls
from tests.application import funded
from tests.application.people import PEOPLE
from tests.application.world import BOOK, TENANT, committing, envelope, reading
from tests.domain.ledger.entries import USER, amount
from tests.interfaces.payments.paying import follow, stripe
from tests.interfaces.payments.stripe_server import StripeServer, stripe_server

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

MESSAGES = (
    "payment_intent.created",
    "charge.succeeded",
    "payment_intent.succeeded",
    "charge.dispute.created",
    "charge.dispute.closed",
)
ABOUT_THE_DISPUTE = frozenset(MESSAGES[3:])
USD = amount("0.00", "USD").asset


@pytest.fixture
async def server() -> AsyncIterator[StripeServer]:
    async with stripe_server() as running:
        yield running


class Story:
    """A deposit that was paid, disputed and lost at Stripe before any message came."""

    def __init__(self, name: str, order: Sequence[str], server: StripeServer) -> None:
        self.deposit = funded.deposit_id(name)
        self.asked = funded.asked(name, "100.00")
        self.dispute = ""
        self._order = order
        self._server = server
        self._payment = ""

    async def happen(self, provider: StripePayments) -> None:
        """Let it happen there."""
        wanted = PaymentRequest(tenant=TENANT, id=self.deposit, amount=amount("100.00", "USD"))
        self._payment = (await provider.create_payment(wanted)).id
        self._server.charge(self._payment, fee=399)
        line = self._server.add("balance_transaction", amount=-10_000, fee=1_500, currency="usd")
        self.dispute = self._server.add(
            "dispute", payment_intent=self._payment, status="lost", amount=10_000, currency="usd",
            created=1_790_000_000, balance_transactions=[self._server.objects[line]], reason="fraudulent",
        )  # fmt: skip

    async def tell(self, provider: StripePayments, committer: Committer) -> int:
        """Deliver its messages, the first of them once more at the end; return the last log position."""
        messages = [self._server.event(kind, self._subject(kind)) for kind in self._order]
        position = 0
        for body, headers in (*messages, messages[0]):
            event = provider.verify(body, headers)
            id = inbox_command_id(event)
            said = envelope(id, tenant="system")
            done = await committer.submit(receive_provider_event(said, event))
            position = max(position, done.receipt.last_log_position or 0)
        return position

    def _subject(self, kind: str) -> str:
        return self.dispute if kind in ABOUT_THE_DISPUTE else self._payment


def stripes_own_account(server: StripeServer) -> int:
    """Return what Stripe has of ours, in cents: all its lines, less what it kept."""
    lines = [one for one in server.objects.values() if one["object"] == "balance_transaction"]
    return sum(line["amount"] - line["fee"] for line in lines)


def orders() -> list[tuple[str, ...]]:
    """Return all orders of all messages, and all orders of those that are left when some never came.

    One about the dispute always comes: it leads to the payment, which must have come before.
    """
    some = [left for count in range(1, len(MESSAGES)) for left in combinations(MESSAGES, count)]
    lacking = [order for left in some if ABOUT_THE_DISPUTE & set(left) for order in permutations(left)]
    return [*permutations(MESSAGES), *lacking[::3]]


async def test_in_whatever_order_and_however_often_messages_come_money_is_booked_once(
    database: Urls, server: StripeServer
) -> None:
    stories = [Story(f"story {number}", order, server) for number, order in enumerate(orders())]
    async with committing(database) as committer, stripe(server.url) as provider, reading(database) as store:
        for command in (*PEOPLE, *(story.asked for story in stories)):
            (await committer.submit(command)).accepted()
        for story in stories:
            await story.happen(provider)
        last = max([await story.tell(provider, committer) for story in stories])
        await follow(database.app, server.url, until_at=last)
        deposits = {tuple(await _names(store, streams.deposit(TENANT, story.deposit))) for story in stories}
        disputes = {tuple(await _names(store, _dispute(story))) for story in stories}
        posted = await _posted(store)
    assert deposits == {("requested", "settled", "return_reserved")}
    assert disputes == {("opened", "charged_back", "lost")}
    at_stripe = sum(line.amount.units for line in posted if line.account == f"assets:psp:{NAME}")
    assert at_stripe == stripes_own_account(server)
    async with committing(database) as fresh:
        book = (await fresh.state(BOOK)).state
    assert isinstance(book, Book)
    assert not book.balance(available(USER, Bucket.REAL), USD)
    assert not book.balance(receivable(USER), USD)


def _dispute(story: Story) -> str:
    return streams.dispute(TENANT, dispute_id(TENANT, NAME, story.dispute))


async def _names(store: Store, stream: str) -> list[str]:
    return [event.name.split(".")[1] for event in await store.read_stream(stream)]


async def _posted(store: Store) -> list[Posting]:
    """Return the lines of all entries: what concerns no user is in the books of the house."""
    events = (await store.read_after(0, limit=100_000)).events
    facts = [decode(event.name, event.state) for event in events if event.name == "ledger.entry_posted.v1"]
    return [line for fact in facts for line in fact.entry.postings]
