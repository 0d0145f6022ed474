"""Mail: what a message says, and the worker role that hands messages to a mail server."""
