"""Signed notes (C2SP signed-note, as Go's checksum database and transparency logs use them), with Ed25519.

A note is a text, an empty line, and lines of the form "— NAME BASE64"; the base64 is four bytes that name the key and
the signature of the text. Whoever checks one needs no database and nothing else of Lastro.
"""

import base64
import binascii
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ALGORITHM = b"\x01"
_ID_BYTES = 4


class NotSigned(Exception):
    """The note carries no good signature of this key."""


class NoKey(ValueError):
    """The text is no verifier key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """The public part, as it is handed to auditors: NAME+ID+BASE64."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        """Four bytes that name the key in a signature."""
        return sha256(self.name.encode() + b"\n" + _ALGORITHM + self.public).digest()[:_ID_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(_ALGORITHM + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Read a key. Raises `NoKey`."""
        try:
            name, said_id, encoded = text.strip().split("+", 2)
            data = base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error):
            raise NoKey("a key reads NAME+ID+BASE64") from None
        key = cls(name=name, public=data[1:])
        if data[:1] != _ALGORITHM or len(key.public) != 32 or key.id.hex() != said_id:  # noqa: PLR2004 - Ed25519's size
            raise NoKey("the key's parts do not belong together")
        return key


def sign_note(text: str, *, name: str, private: Ed25519PrivateKey) -> str:
    """Return a text that ends in a line feed as a signed note."""
    key = VerifierKey(name=name, public=private.public_key().public_bytes_raw())
    signature = base64.b64encode(key.id + private.sign(text.encode())).decode()
    return f"{text}\n— {name} {signature}\n"


def open_note(note: str, key: VerifierKey) -> str:
    """Return the text of a note that the key has signed. Raises `NotSigned`."""
    text, separator, signatures = note.rpartition("\n\n")
    text += "\n"
    if not separator:
        raise NotSigned("the note has no signature")
    for line in signatures.splitlines():
        mark, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        if mark != "—" or name != key.name:
            continue
        try:
            signature = base64.b64decode(encoded, validate=True)
            if signature[:_ID_BYTES] != key.id:
                continue
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature[_ID_BYTES:], text.encode())
        except (binascii.Error, InvalidSignature):
            continue
        return text
    raise NotSigned(f"the note is not signed by {key.name}")
