"""What can go wrong with the server itself; the messages are for an operator and name the way out."""

import psycopg

DATABASE_AWAY = (psycopg.OperationalError, psycopg.InterfaceError)
"""What a query raises when the server is away or too busy: worth asking again, and nobody's mistake."""


class ServerUnavailable(Exception):
    """The embedded server cannot be started, reached or stopped; the message says why and what fixes it."""
