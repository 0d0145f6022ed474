"""Use cases of execution: claim the sending of an order, and book what the venue said.

A fill is booked in one append: the order's event, the position's event and one ledger entry with the realised result.
"""

from application import streams
from application.commands import Body, Command, Envelope
from application.ids import ENTRIES, derive
from application.ports import VenueAnswer
from application.work import Work
from domain.ids import EntryId
from domain.ledger.book import PostEntry
from domain.orders.commands import OrderCommand, SubmitOrder
from domain.orders.events import OrderFilled
from domain.orders.order import Order
from domain.positions import entries
from domain.positions.commands import BookFill
from domain.positions.terms import Market, PositionKey


def submit_order(envelope: Envelope, order: str, claim: SubmitOrder) -> Command:
    """Return the command that claims the sending of an order: only whose claim was appended may send."""
    stream = streams.order(envelope.tenant, order)

    def decide(work: Work) -> Body:
        work.run(stream, claim)
        return {}

    return Command(name="submit_order", envelope=envelope, reads=(stream,), decide=decide)


def record_report(envelope: Envelope, order: str, report: OrderCommand) -> Command:
    """Return the command that records what became of the sending, other than a fill."""
    stream = streams.order(envelope.tenant, order)

    def decide(work: Work) -> Body:
        work.run(stream, report)
        return {"status": work.state(stream).status.value}

    return Command(name="record_report", envelope=envelope, reads=(stream,), decide=decide)


def record_answer(envelope: Envelope, order: Order, *, market: Market, answer: VenueAnswer) -> Command:
    """Return the command that records a venue's answer, and books it where it is a fill.

    The answer is given the connection's holdings as they are when it is appended: what a paper venue fills must be
    covered then, and two orders that race for the same holdings cannot both be.
    """
    stream = streams.order(envelope.tenant, order.order)
    portfolio = streams.portfolio_book(envelope.tenant, order.connection)
    position = streams.position(envelope.tenant, order.connection, instrument=order.instrument, strategy=order.strategy)

    def decide(work: Work) -> Body:
        for event in work.run(stream, answer(work.state(portfolio))):
            if isinstance(event, OrderFilled):
                filled = work.run(position, _booking(event, market))
                entry = entries.entry(*filled, id=_entry_id(envelope, event), effective_at=envelope.now)
                if entry is not None:
                    work.run(portfolio, PostEntry(entry=entry, now=envelope.now))
        return {"status": work.state(stream).status.value}

    return Command(name="record_answer", envelope=envelope, reads=(stream, portfolio, position), decide=decide)


def _booking(event: OrderFilled, market: Market) -> BookFill:
    return BookFill(
        key=PositionKey(connection=event.connection, instrument=event.instrument, strategy=event.strategy),
        market=market,
        order=event.order,
        trade_id=event.trade_id,
        side=event.side,
        quantity=event.quantity,
        price=event.price,
        cost=event.cost,
        fee=event.fee,
        occurred_at=event.occurred_at,
    )


def _entry_id(envelope: Envelope, event: OrderFilled) -> EntryId:
    """Derive the entry's id from the trade's own identity: booked once even if every other guard failed."""
    return EntryId(derive(ENTRIES, envelope.tenant, event.connection, event.instrument, event.trade_id))
