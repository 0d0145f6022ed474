"""API keys: made and rotated by people who have just proven who they are, listed, revoked at once.

A secret is in the answer to the request that made it, once, and in no stored one: an answer that was lost is a key to
revoke.
"""

import ipaddress
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from pydantic import AfterValidator, Field

from application import api_keys as use_cases
from application import streams
from application.api_keys import Wanted
from application.commands import Command
from application.ports import Credential
from domain.api_keys import LONGEST_OVERLAP, Kind, Scope
from domain.ids import ApiKeyId, SubjectId, UserId
from domain.users import Role
from interfaces.api.ask import Ask, Asked, answer
from interfaces.api.documented import COMMAND, QUERY, problems
from interfaces.api.fields import Body, Id, Shown, Time
from interfaces.api.pages import Cursor, Limit, plain
from interfaces.api.signatures import read_public_key
from interfaces.api.step_up import SteppedUp
from interfaces.api.strict_json import StrictRoute
from projections import api_keys

router = APIRouter(route_class=StrictRoute, prefix="/api/v1/api-keys", tags=["api keys"])

SEES_ALL_KEYS = frozenset({Role.ADMIN, Role.AUDITOR})
MOST_ADDRESSES = 20
SECRET_BYTES = 32
DAY_S = 86_400
_LEAST_PREFIX = {4: 16, 6: 48}
_PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"


def _network(text: str) -> str:
    """Return a network as it is kept. Raises ValueError where it is none, or so wide that it shuts nobody out."""
    network = ipaddress.ip_network(text)
    if network.prefixlen < _LEAST_PREFIX[network.version]:
        raise ValueError(f"must be a network of at least /{_LEAST_PREFIX[network.version]}")
    return str(network)


Name = Annotated[str, Field(min_length=1, max_length=100, pattern=_PRINTABLE, examples=["pricing bot"])]
Network = Annotated[str, Field(max_length=49, examples=["203.0.113.7"]), AfterValidator(_network)]
PublicKey = Annotated[
    str,
    Field(max_length=64, examples=["11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="]),
    AfterValidator(lambda text: (read_public_key(text), text)[1]),
]


class _New(Body):
    """What every new key has; `addresses` are the networks it is good from, none: all."""

    name: Name
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=len(Scope), examples=[["read", "trade"]])]
    addresses: Annotated[tuple[Network, ...], Field(max_length=MOST_ADDRESSES)] = ()
    user_id: Id | None = None


class _Rotation(Body):
    """How long the key lives on beside its successor."""

    overlap_s: Annotated[int, Field(strict=True, ge=0, le=LONGEST_OVERLAP.days * DAY_S, examples=[DAY_S])] = DAY_S


class _ByPublicKey(Body):
    """The client signs with Ed25519 and shows us its public key."""

    kind: Literal["ed25519"]
    public_key: PublicKey


class _BySecret(Body):
    """Client and server share a secret, which is made here."""

    kind: Literal["hmac"]


class Ed25519KeyBody(_New, _ByPublicKey):
    """A new key whose private half only the client has."""


class HmacKeyBody(_New, _BySecret):
    """A new key whose secret is in the answer."""


class Ed25519RotationBody(_Rotation, _ByPublicKey):
    """A successor whose private half only the client has."""


class HmacRotationBody(_Rotation, _BySecret):
    """A successor whose secret is in the answer."""


KeyBody = Annotated[Ed25519KeyBody | HmacKeyBody, Field(discriminator="kind")]
RotationBody = Annotated[Ed25519RotationBody | HmacRotationBody, Field(discriminator="kind")]


class MadeKey(Shown):
    """A key; `key` goes into the header X-Api-Key, `secret` is shown here once."""

    id: str
    key: str = Field(examples=["main.0b9d1ac3bb7e4f0e9d2b7f2f2c8f1a11"])
    kind: str
    scopes: list[str]
    secret: str | None = None


class RotatedKey(MadeKey):
    """The successor, and until when its predecessor is good."""

    predecessor_usable_until: Time


class RevokedKey(Shown):
    """A key that is good for nothing any more."""

    id: str


class ShownKey(Shown):
    """A key: active, rotated, ended or revoked. `last_used_at` is known to about five minutes."""

    id: str
    user: str
    name: str | None
    kind: str
    scopes: list[str]
    status: str
    addresses: list[str] | None
    has_addresses: bool
    made_by: str
    replaces: str | None
    successor: str | None
    created_at: datetime
    usable_until: datetime | None
    revoked_at: datetime | None
    revoked_by: str | None
    last_used_at: datetime | None
    log_position: int


class KeyPage(Shown):
    """A page of keys."""

    items: list[ShownKey]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proof:
    """What proves a new key, and the secret to show where there is one."""

    stored: bytes = field(repr=False)
    secret: str | None = field(default=None, repr=False)


@router.post(
    "",
    operation_id="create_api_key",
    status_code=HTTPStatus.CREATED,
    response_model=MadeKey,
    responses=problems(*COMMAND, 404),
)
async def create(body: KeyBody, ask: SteppedUp) -> Response:
    """Make a key for oneself, or as an administrator for a user whose only role is api_only."""
    envelope, proof = ask.envelope(body), _proof(body)
    user = UserId(body.user_id or ask.caller.user)
    owner = await use_cases.find_owner(ask.parts.committer, envelope, user)
    wanted = _wanted(ask, body, has_addresses=bool(body.addresses))
    kept = Credential(name=body.name, addresses=body.addresses, proof=proof.stored)
    command = use_cases.create_key(envelope, wanted, user=user, scopes=body.scopes)
    return await _made(ask, command, wanted, owner=owner, credential=kept, secret=proof.secret)


@router.get("", operation_id="list_api_keys", response_model=KeyPage, responses=problems(*QUERY))
async def list_keys(ask: Asked, limit: Limit = 100, cursor: Cursor = None) -> Response:
    """List the caller's keys, or for administrators and auditors the tenant's, in the order in which they were made."""
    now, owner = ask.parts.clock.now(), ask.owner(SEES_ALL_KEYS)
    async with ask.reading(api_keys.NAME) as database:
        page = await api_keys.list_keys(database, now=now, user=owner, limit=limit, cursor=cursor)
    kept = await ask.parts.api_keys.get_credentials(ask.caller.tenant, [ApiKeyId(one.id) for one in page.items])
    items = []
    for one in page.items:
        known = kept.get(ApiKeyId(one.id))
        name, addresses = (known.credential.name, known.credential.addresses) if known else (None, None)
        last_used_at = known.last_used_at if known else None
        items.append({**plain(one), "name": name, "addresses": plain(addresses), "last_used_at": last_used_at})
    return answer({"items": items, "next_cursor": page.next_cursor}, page.log_position)


@router.post(
    "/{id}/rotate",
    operation_id="rotate_api_key",
    status_code=HTTPStatus.CREATED,
    response_model=RotatedKey,
    responses=problems(*COMMAND, 404),
)
async def rotate(id: Annotated[Id, Path()], body: RotationBody, ask: SteppedUp) -> Response:
    """Make a successor with the same name, scopes and networks, beside which the key is good for a while."""
    envelope, proof = ask.envelope(body), _proof(body)
    known = await use_cases.find_key(ask.parts.committer, envelope, id)
    kept = await use_cases.find_credential(ask.parts.api_keys, ask.caller.tenant, known.key)
    owner = await use_cases.find_owner(ask.parts.committer, envelope, known.user)
    wanted = _wanted(ask, body, has_addresses=bool(kept.addresses))
    command = use_cases.rotate_key(envelope, known, wanted, overlap=timedelta(seconds=body.overlap_s))
    successor = Credential(name=kept.name, addresses=kept.addresses, proof=proof.stored)
    return await _made(ask, command, wanted, owner=owner, credential=successor, secret=proof.secret)


@router.delete("/{id}", operation_id="revoke_api_key", response_model=RevokedKey, responses=problems(*COMMAND, 404))
async def revoke(id: Annotated[Id, Path()], ask: Asked) -> Response:
    """End a key: every process refuses it from this answer on. It needs no fresh proof, for haste may be needed."""
    asked = ask.keyless()
    return await asked.submit(use_cases.revoke_key(asked.envelope(), ApiKeyId(id)), status=HTTPStatus.OK)


def _proof(body: KeyBody | RotationBody) -> _Proof:
    if isinstance(body, _ByPublicKey):
        return _Proof(stored=read_public_key(body.public_key))
    secret = secrets.token_urlsafe(SECRET_BYTES)
    return _Proof(stored=secret.encode(), secret=secret)


def _wanted(ask: Ask, body: KeyBody | RotationBody, *, has_addresses: bool) -> Wanted:
    return Wanted(key=ApiKeyId(ask.new_id("api_key")), kind=Kind(body.kind), has_addresses=has_addresses)


async def _made(
    ask: Ask, command: Command, wanted: Wanted, *, owner: SubjectId, credential: Credential, secret: str | None
) -> Response:
    """Keep the credential, then append; only the request that kept it knows its secret."""
    tenant = ask.caller.tenant
    stream = streams.api_key(tenant, wanted.key)
    is_new = await ask.parts.api_keys.put_credential(
        tenant, wanted.key, owner=owner, stream=stream, credential=credential
    )
    shown: dict[str, Any] = {"secret": secret} if is_new and secret is not None else {}
    return await ask.submit(command, show=lambda done: {**done.body, **shown})
