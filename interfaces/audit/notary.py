"""The key that signs checkpoints: a file outside the database, made once. Whoever has it can rewrite history."""

import base64
import binascii
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from interfaces.audit.notes import VerifierKey, sign_note
from interfaces.key_files import make_key_file


class KeyUnusable(Exception):
    """The signing key is missing, exposed or no key; the message says what helps."""


class FileNotary:
    """The port `Notary` with an Ed25519 key from a file: its 32 bytes in base64."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        public = private.public_key().public_bytes_raw()
        self.origin = f"lastro-{sha256(public).hexdigest()[:16]}"
        self.key = VerifierKey(name=self.origin, public=public)

    def sign(self, text: str) -> str:
        """Return the text as a signed note."""
        return sign_note(text, name=self.origin, private=self._private)


def load_notary(path: Path, *, create: bool) -> FileNotary:
    """Read the signing key; with `create`, make it first where there is none. Raises `KeyUnusable`."""
    if create:
        make_key_file(path, Ed25519PrivateKey.generate().private_bytes_raw())
    try:
        exposed = path.stat().st_mode & 0o077
        content = path.read_bytes()
        private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(content.strip(), validate=True))
    except OSError as error:
        raise KeyUnusable(f"cannot read the key that signs checkpoints: {error}") from error
    except (ValueError, binascii.Error) as error:
        raise KeyUnusable(f"{path} holds no key; it wants the 32 bytes of an Ed25519 key in base64") from error
    if create and exposed:
        raise KeyUnusable(f"others may read the key that signs checkpoints: chmod 600 {path}")
    return FileNotary(private)
