"""Use case: place an order. It is on record before anything is sent; sending it is execution.py's part."""

from application import streams
from application.actors import actor_streams, require_actor
from application.commands import Body, Command, Envelope
from application.work import Work
from domain.connections import tradable_by
from domain.instruments import parse
from domain.orders.commands import PlaceOrder


def place_order(envelope: Envelope, order: PlaceOrder) -> Command:
    """Return the command that puts an order on record. Raises `InvalidInstrument`."""
    instrument = parse(order.instrument)
    connection = streams.connection(envelope.tenant, order.connection)
    stream = streams.order(envelope.tenant, order.order)

    def decide(work: Work) -> Body:
        require_actor(work, envelope)
        tradable_by(work.state(connection), order.user, instrument)
        work.run(stream, order)
        return {"id": order.order, "status": work.state(stream).status.value}

    return Command(
        name="place_order", envelope=envelope, reads=(*actor_streams(envelope), connection, stream), decide=decide
    )
