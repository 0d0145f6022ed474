"""Derived identifiers: uuid5 as 32 lower-case hexadecimal digits.

The same inputs give the same id in every process, so a retry meets what its first attempt made. Fresh ids are made in
`interfaces`; nothing here is random.
"""

from hashlib import sha1
from uuid import NAMESPACE_URL, UUID, uuid5

_LASTRO = uuid5(NAMESPACE_URL, "lastro")
COMMANDS = uuid5(_LASTRO, "command")
EVENTS = uuid5(_LASTRO, "event")
ENTRIES = uuid5(_LASTRO, "entry")


def namespace(name: str) -> UUID:
    """Return the namespace of a route or of a policy."""
    return uuid5(_LASTRO, name)


def derive(space: UUID, *parts: str) -> str:
    """Return uuid5(space, parts joined by line feeds) as 32 hexadecimal digits (RFC 9562, version 5)."""
    digest = bytearray(sha1(space.bytes + "\n".join(parts).encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    return digest.hex()


def command_id(tenant: str, actor: str, key: str) -> str:
    """Return the id of the command that a scope and an idempotency key stand for (CONTRACT, Idempotency)."""
    return derive(COMMANDS, tenant, actor, key)
