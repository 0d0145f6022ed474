"""How the vault seals: keys derived from one master key, AES-256-GCM bound to its place, and keyed look-ups.

It decides formats and nothing else; nothing here touches the database. What is sealed for one place (tenant, record,
field, version) cannot be opened in another.
"""

import base64
import binascii
import hashlib
import hmac
import os
import shlex
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from domain.merkle import fields_of
from interfaces.key_files import make_key_file

_FORMAT = b"\x01"
_KEY_BYTES = 32
_NONCE_BYTES = 12
_LOOKUP_HEX = 32


class VaultUnusable(Exception):
    """The master key is missing, exposed or another one than the vault was made with; the message says what helps."""


class SealBroken(Exception):
    """A sealed value was altered, belongs to another place, or was sealed with another key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultKeys:
    """What is derived from the master key (HKDF-SHA-256, RFC 5869), one key per use."""

    wrapping: bytes = field(repr=False)
    looking_up: bytes = field(repr=False)
    rotating: bytes = field(repr=False)
    sandbox: bytes = field(repr=False)
    proving: bytes = field(repr=False)
    fingerprint: str

    @classmethod
    def derive(cls, master: bytes) -> "VaultKeys":
        """Derive all keys; `master` is 32 random bytes."""
        if len(master) != _KEY_BYTES:
            raise VaultUnusable(f"a master key has {_KEY_BYTES} bytes, this one has {len(master)}")
        return cls(
            wrapping=_derive(master, "wrap data keys"),
            looking_up=_derive(master, "look up e-mail addresses"),
            rotating=_derive(master, "rotate refresh tokens"),
            sandbox=_derive(master, "sign sandbox messages"),
            proving=_derive(master, "hide leaves of liabilities"),
            fingerprint=_derive(master, "fingerprint").hex()[:16],
        )

    def email(self, tenant: str, email: str) -> str:
        """Name an e-mail address of a tenant: 32 hexadecimal digits; case and surrounding space make no difference."""
        normal = unicodedata.normalize("NFC", email.strip()).casefold()
        return self._look_up("email", tenant, normal)

    def login_pair(self, tenant: str, email: str, address: str) -> str:
        """Name a pair of e-mail and network address, so that neither stands in the table."""
        return self._look_up("login", self.email(tenant, email), address)

    def backup_code(self, tenant: str, subject: str, code: str) -> str:
        """Name a person's backup code: case, spaces and hyphens make no difference."""
        return self._look_up("backup code", tenant, subject, "".join(filter(str.isalnum, code)).casefold())

    def identity(self, tenant: str, provider: str, id: str) -> str:
        """Name somebody's account at a provider, so that the provider's id stands in no table."""
        return self._look_up("identity", tenant, provider, id)

    def next_secret(self, token: str) -> str:
        """Derive the secret that follows a refresh token, the same on every process that is asked."""
        digest = hmac.digest(self.rotating, token.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def liability_nonce(self, tenant: str, user: str, *, log_position: int) -> bytes:
        """Return the nonce of a user's leaf in the tree of a tenant at a log position (the port `Nonces`)."""
        return hmac.digest(self.proving, fields_of((tenant, log_position, user)), hashlib.sha256)

    def _look_up(self, *parts: str) -> str:
        message = b"".join(len(part.encode()).to_bytes(4) + part.encode() for part in parts)
        return hmac.digest(self.looking_up, message, hashlib.sha256).hex()[:_LOOKUP_HEX]


def new_key() -> bytes:
    """Return 32 bytes of the operating system's randomness."""
    return os.urandom(_KEY_BYTES)


def seal(key: bytes, plain: bytes, *place: str | int) -> bytes:
    """Encrypt a value for one place and no other: format byte, 96-bit nonce, AES-256-GCM (NIST SP 800-38D)."""
    nonce = os.urandom(_NONCE_BYTES)
    return _FORMAT + nonce + AESGCM(key).encrypt(nonce, plain, _associated(place))


def unseal(key: bytes, sealed: bytes, *place: str | int) -> bytes:
    """Decrypt a value that was sealed for this place. Raises SealBroken."""
    head, nonce, body = sealed[:1], sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    if head != _FORMAT or len(nonce) < _NONCE_BYTES:
        raise SealBroken("unknown format")
    try:
        return AESGCM(key).decrypt(nonce, body, _associated(place))
    except InvalidTag:
        raise SealBroken(f"not sealed for {'|'.join(map(str, place))} with this key") from None


def load_master_key(path: Path, *, create: bool = False) -> VaultKeys:
    """Read the master key; with `create`, make it first where there is none.

    Raises VaultUnusable, with the command that helps, when there is no key in the file, or others may read one that we
    made. The mode of a file that somebody hands us is theirs: a container's secrets are readable by all inside it.
    """
    if create:
        make_key_file(path, new_key())
    try:
        mode = path.stat().st_mode
        content = path.read_bytes()
    except OSError as error:
        make = f"(umask 077 && head -c 32 /dev/urandom | base64 > {shlex.quote(str(path))})"
        raise VaultUnusable(
            f"cannot read the vault's master key: {error}\nA new vault's key is made by:  {make}"
        ) from error
    if create and mode & 0o077:
        raise VaultUnusable(f"others may read the vault's master key: chmod 600 {shlex.quote(str(path))}")
    try:
        return VaultKeys.derive(base64.b64decode(content.strip(), validate=True))
    except binascii.Error as error:
        raise VaultUnusable(f"{path} holds no key; it wants 32 bytes in base64") from error


def _derive(master: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=f"lastro vault: {purpose}".encode()).derive(
        master
    )


def _associated(place: tuple[str | int, ...]) -> bytes:
    text = "|".join(map(str, place))
    assert text.count("|") == len(place) - 1, "a part of a place holds the separator"
    return text.encode()
