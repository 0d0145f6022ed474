"""What can go wrong with the server itself; the messages are for an operator and name the way out."""


class ServerUnavailable(Exception):
    """The embedded server cannot be started, reached or stopped; the message says why and what fixes it."""
