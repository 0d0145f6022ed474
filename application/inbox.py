"""Use case of the inbox: put a verified message of a provider on record, once. Its body is in the vault by then."""

from application import streams
from application.commands import Body, Command, Envelope
from application.ids import derive, namespace
from application.ports import ProviderEvent
from application.work import Work
from domain.inbox import ReceiveProviderEvent

_INBOX = namespace("inbox")


def inbox_command_id(event: ProviderEvent) -> str:
    """Return the id of the command that records a message: the same for every delivery of it."""
    return derive(_INBOX, event.provider, event.id)


def receive_provider_event(envelope: Envelope, event: ProviderEvent) -> Command:
    """Return the command that records a message. The envelope is of the system: whose it is nobody knows yet."""
    stream = streams.inbox(event.provider, event.id)

    def decide(work: Work) -> Body:
        command = ReceiveProviderEvent(provider=event.provider, event=event.id, kind=event.kind, object=event.object)
        work.run(stream, command)
        return {}

    return Command(name="receive_provider_event", envelope=envelope, reads=(stream,), decide=decide)
