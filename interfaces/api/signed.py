"""Who signed a request with an API key: decided from its headers alone, before a byte of its body is read.

Key, user and roles are looked up in the log each time: what is revoked or suspended is refused by every process from
the answer of the revocation on. Why a request is refused is told only where it helps nobody but its sender.
"""

import ipaddress
import re
from base64 import b64decode
from binascii import Error as NotBase64
from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest
from http import HTTPStatus

import structlog
from fastapi import Request

from application import streams
from application.ports import Credential, KeptCredential
from domain.api_keys import ApiKey, is_usable, roles_of
from domain.ids import ApiKeyId, Tenant
from domain.users import Status, User
from interfaces.api.parts import Parts
from interfaces.api.problems import Problem
from interfaces.api.signatures import SCHEME, hash_of, is_good, text_to_sign
from interfaces.api.tokens import Caller, refused

log = structlog.get_logger()

KEY, TIMESTAMP, WINDOW, CONTENT, SIGNATURE = (
    "X-Api-Key", "X-Timestamp", "X-Recv-Window", "X-Content-SHA256", "X-Signature",
)  # fmt: skip
DEFAULT_WINDOW_MS, LONGEST_WINDOW_MS = 5_000, 60_000
AHEAD_MS = 1_000
"""How far a client's clock may be ahead of ours."""
USE_IS_NOTED_EVERY = timedelta(minutes=5)
NO_BODY = hash_of(b"")

AS_OPENAPI = {
    "type": "apiKey",
    "in": "header",
    "name": KEY,
    "description": (
        f"The key's name, beside {TIMESTAMP} (milliseconds since 1970), {WINDOW} (milliseconds, {DEFAULT_WINDOW_MS} "
        f"unless said), {CONTENT} (of the body, where there is one) and {SIGNATURE} (base64). Signed are eight lines: "
        f"{SCHEME}, key, method, path with query, timestamp, window, idempotency key, hash of the body."
    ),
}
"""The security scheme of the OpenAPI document."""

_KEY = re.compile(r"([a-z][a-z0-9]{1,31})\.([0-9a-f]{32})")
_WHOLE = re.compile(r"[1-9][0-9]{0,15}")
_HASH = re.compile(r"[0-9a-f]{64}")
_SAFE = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """What the headers of a signed request say."""

    tenant: Tenant
    key: ApiKeyId
    timestamp: int
    window: int
    content_hash: str
    signature: bytes
    text: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Holder:
    """A key that is good at the moment, its user, and what proves it."""

    key: ApiKey
    user: User
    kept: KeptCredential


def address_of(request: Request) -> str:
    """Return the network address that a request comes from."""
    return request.client.host if request.client else "unknown"


def is_signed(request: Request) -> bool:
    """Tell whether a request says that it is signed."""
    return KEY in request.headers


async def signer(parts: Parts, request: Request) -> Caller:
    """Return for whom a signed request speaks, and within which scopes. Raises a `Problem` with status 401, 403 or 429.

    What is no good counts against its sender's address, as a stranger's request does.
    """
    now, address = parts.clock.now(), address_of(request)
    head = _read(request)
    holder = None if head is None else await _holder(parts, head, now)
    if head is None or holder is None or not _is_signed_by(holder, head):
        parts.limits.admit_stranger(address)
        raise refused()
    _check_window(head, now)
    _check_address(holder.kept.credential, address)
    await _note_use(parts, holder, head, now=now)
    if request.method not in _SAFE:
        log.info("api.signed", key=head.key, user=holder.key.user, request_id=request.state.request_id)
    request.state.content_hash = head.content_hash
    return Caller(
        tenant=head.tenant,
        user=holder.key.user,
        roles=roles_of(holder.key, holder.user.roles),
        issued_at=now.timestamp(),
        expires_at=now.timestamp(),
        key=head.key,
        scopes=frozenset(holder.key.scopes),
    )


async def check_body(request: Request) -> None:
    """Check that the body of a signed request is the one that was signed. Raises a `Problem` with status 401."""
    signed: str | None = getattr(request.state, "content_hash", None)
    if signed is not None and not compare_digest(hash_of(await request.body()), signed):
        raise refused()


def _read(request: Request) -> _Head | None:
    said = request.headers
    key = _KEY.fullmatch(said[KEY])
    timestamp, window = said.get(TIMESTAMP, ""), said.get(WINDOW, str(DEFAULT_WINDOW_MS))
    content = said.get(CONTENT, NO_BODY)
    forms = (_WHOLE.fullmatch(timestamp), _WHOLE.fullmatch(window), _HASH.fullmatch(content))
    signature = _decoded(said.get(SIGNATURE, ""))
    if key is None or signature is None or not all(forms) or "Authorization" in said:
        return None
    query = request.scope["query_string"]
    target = request.scope["raw_path"] + (b"?" + query if query else b"")
    text = text_to_sign(
        key=said[KEY],
        method=request.method,
        target=target.decode("latin-1"),
        timestamp=timestamp,
        window=window,
        idempotency_key=said.get("Idempotency-Key", ""),
        content_hash=content,
    )
    return _Head(
        tenant=Tenant(key[1]),
        key=ApiKeyId(key[2]),
        timestamp=int(timestamp),
        window=int(window),
        content_hash=content,
        signature=signature,
        text=text,
    )


def _decoded(text: str) -> bytes | None:
    try:
        return b64decode(text, validate=True)
    except (NotBase64, ValueError):
        return None


async def _holder(parts: Parts, head: _Head, now: datetime) -> _Holder | None:
    """Return a key's holder; None where key or user are no good now, or the person was erased."""
    kept = (await parts.api_keys.get_credentials(head.tenant, [head.key])).get(head.key)
    if kept is None:
        return None
    key: ApiKey | None = (await parts.committer.state(streams.api_key(head.tenant, head.key))).state
    if key is None or not is_usable(key, now):
        return None
    user = (await parts.committer.state(streams.user(head.tenant, key.user))).state
    if not isinstance(user, User) or user.status is not Status.ACTIVE:
        return None
    return _Holder(key=key, user=user, kept=kept)


def _is_signed_by(holder: _Holder, head: _Head) -> bool:
    return is_good(holder.key.kind, head.text, head.signature, proof=holder.kept.credential.proof)


def _check_window(head: _Head, now: datetime) -> None:
    """Refuse a request that is too old, or of the future, and tell its sender, who has proven to be one, our time."""
    ours = int(now.timestamp() * 1_000)
    if head.window > LONGEST_WINDOW_MS or not -AHEAD_MS <= ours - head.timestamp <= head.window:
        detail = (
            f"{TIMESTAMP} may be at most {AHEAD_MS} ms ahead and {WINDOW} ms old, which is at most "
            f"{LONGEST_WINDOW_MS}; the time here is {ours}."
        )
        raise Problem(HTTPStatus.UNAUTHORIZED, "outside_window", detail, headers={"WWW-Authenticate": "Bearer"})


def _check_address(credential: Credential, address: str) -> None:
    if credential.addresses and not is_listed(address, credential.addresses):
        raise Problem(HTTPStatus.FORBIDDEN, "address_not_listed", "The key is not good from this address.")


def is_listed(address: str, networks: tuple[str, ...]) -> bool:
    """Tell whether an address is in one of the networks; an IPv4 address in the clothes of IPv6 is the IPv4 address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in ipaddress.ip_network(network) for network in networks)


async def _note_use(parts: Parts, holder: _Holder, head: _Head, *, now: datetime) -> None:
    last = holder.kept.last_used_at
    if last is None or now - last >= USE_IS_NOTED_EVERY:
        await parts.api_keys.note_use(head.tenant, head.key, now)
