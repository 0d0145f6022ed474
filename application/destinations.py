"""Use cases of destinations: add one whose particulars are in the vault already, or take it out of use."""

from application import streams
from application.actors import actor_streams, require_actor
from application.commands import Body, Command, Envelope
from application.work import Work
from domain.destinations import AddDestination, RemoveDestination
from domain.ids import DestinationId


def add_destination(envelope: Envelope, destination: AddDestination) -> Command:
    """Return the command that adds a destination; it begins to cool down."""
    stream = streams.destination(envelope.tenant, destination.destination)

    def decide(work: Work) -> Body:
        require_actor(work, envelope)
        work.run(stream, destination)
        return {"id": destination.destination, "usable_from": destination.usable_from.isoformat()}

    return Command(name="add_destination", envelope=envelope, reads=(*actor_streams(envelope), stream), decide=decide)


def remove_destination(envelope: Envelope, destination: DestinationId, remove: RemoveDestination) -> Command:
    """Return the command by which its user takes a destination out of use."""
    stream = streams.destination(envelope.tenant, destination)

    def decide(work: Work) -> Body:
        require_actor(work, envelope)
        work.run(stream, remove)
        return {"id": destination}

    return Command(
        name="remove_destination", envelope=envelope, reads=(*actor_streams(envelope), stream), decide=decide
    )
