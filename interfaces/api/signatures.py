"""Signed requests: the text that is signed, and whether a signature is good. Nothing here knows whose key it is.

The text says everything that decides what a request does, the idempotency key included: who records a request can send
it again, within its window, and gets the first answer again, but can change nothing of it.
"""

import hmac
from base64 import b64decode
from binascii import Error as NotBase64
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from domain.api_keys import Kind

SCHEME = "LASTRO-1"
PUBLIC_KEY_BYTES = 32

_IDENTITY, _ORDER_2 = "01" + "00" * 31, "ec" + "ff" * 30 + "7f"
_ORDER_4 = "00" * 32
_ORDER_8 = (
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
)
_ABOVE_P = ("ed" + "ff" * 30 + "7f", "ee" + "ff" * 30 + "7f")
_SIGN_BIT = 0x80
_SMALL = {bytes.fromhex(text) for text in (_IDENTITY, _ORDER_2, _ORDER_4, *_ORDER_8, *_ABOVE_P)}
"""The points of order 1, 2, 4 and 8, in every encoding but for the sign: with them as a key, anybody can sign."""


def text_to_sign(
    *, key: str, method: str, target: str, timestamp: str, window: str, idempotency_key: str, content_hash: str
) -> bytes:
    """Return what is signed: eight lines, joined by line feeds, without one at the end.

    `target` is the path with its query, byte for byte as it is sent; `timestamp` and `window` are the milliseconds of
    the headers; `content_hash` is the SHA-256 of the body in hexadecimal digits. No line can hold a line feed.
    """
    lines = (SCHEME, key, method, target, timestamp, window, idempotency_key, content_hash)
    return "\n".join(lines).encode("latin-1")


def hash_of(body: bytes) -> str:
    """Return the hash of a body as the signed text has it."""
    return sha256(body).hexdigest()


def is_good(kind: Kind, text: bytes, signature: bytes, *, proof: bytes) -> bool:
    """Check a signature: Ed25519 (RFC 8032) by the public key, or HMAC-SHA-256 by the secret, in constant time."""
    match kind:
        case Kind.ED25519:
            try:
                Ed25519PublicKey.from_public_bytes(proof).verify(signature, text)
            except InvalidSignature:
                return False
            return True
        case Kind.HMAC:
            return hmac.compare_digest(hmac.digest(proof, text, sha256), signature)


def read_public_key(text: str) -> bytes:
    """Return the 32 bytes of an Ed25519 public key in base64. Raises ValueError with a sentence for its sender."""
    try:
        key = b64decode(text, validate=True)
    except (NotBase64, ValueError):
        raise ValueError("must be base64") from None
    if len(key) != PUBLIC_KEY_BYTES:
        raise ValueError(f"must be {PUBLIC_KEY_BYTES} bytes in base64: an Ed25519 public key without wrapping")
    if key[:-1] + bytes([key[-1] & ~_SIGN_BIT]) in _SMALL:
        raise ValueError("must not be a key with which anybody can sign")
    return key
