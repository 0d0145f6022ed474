"""Use case: connect a user to a venue. A paper connection posts what it starts with in the same append."""

from application import streams
from application.actors import actor_streams, require_actor
from application.commands import Body, Command, Envelope
from application.ids import ENTRIES, derive
from application.work import Work
from domain.connections import OPENING_KIND, OpenConnection, external_postings
from domain.ids import EntryId
from domain.ledger.book import PostEntry
from domain.ledger.entry import JournalEntry


def open_connection(envelope: Envelope, connection: OpenConnection) -> Command:
    """Return the command that opens a connection and posts its opening entry: holdings against external."""
    stream = streams.connection(envelope.tenant, connection.connection)
    portfolio = streams.portfolio_book(envelope.tenant, connection.connection)

    def decide(work: Work) -> Body:
        require_actor(work, envelope)
        work.run(stream, connection)
        entry = JournalEntry(
            id=EntryId(derive(ENTRIES, connection.connection)),
            kind=OPENING_KIND,
            reference=connection.connection,
            occurred_at=connection.occurred_at,
            effective_at=envelope.now,
            postings=external_postings(connection.connection, connection.start),
        )
        work.run(portfolio, PostEntry(entry=entry, now=envelope.now))
        return {"id": connection.connection}

    return Command(name="open_connection", envelope=envelope, reads=(*actor_streams(envelope), stream), decide=decide)
