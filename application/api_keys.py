"""Use cases of API keys: make one whose credential is in the vault already, give it a successor, end it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from application import streams
from application.actors import actor_streams, require_actor
from application.commands import Body, Command, Envelope
from application.committer import Committer
from application.ports import ApiKeys, Credential
from application.work import Work
from domain.api_keys import ApiKey, CreateKey, Kind, NotTheirs, RevokeKey, RotateKey, Scope, UnknownApiKey
from domain.ids import ApiKeyId, SubjectId, UserId
from domain.users import Role, User, require_active


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A key as it is asked for; `has_addresses` tells that it is good from listed addresses only."""

    key: ApiKeyId
    kind: Kind
    has_addresses: bool


async def find_owner(committer: Committer, envelope: Envelope, user: UserId) -> SubjectId:
    """Return the person with whose key a credential is sealed. Raises `NotTheirs`, or `UnknownUser`."""
    if user != envelope.actor:
        actor = (await committer.state(streams.user(envelope.tenant, envelope.actor))).state
        if Role.ADMIN not in require_active(actor, envelope.actor).roles:
            raise NotTheirs
    return require_active((await committer.state(streams.user(envelope.tenant, user))).state, user).subject


async def find_key(committer: Committer, envelope: Envelope, key: str) -> ApiKey:
    """Find a key of the actor's, or any of the tenant for an administrator. Raises `UnknownApiKey`."""
    known: ApiKey | None = (await committer.state(streams.api_key(envelope.tenant, key))).state
    if known is None:
        raise UnknownApiKey
    if known.user != envelope.actor:
        actor = (await committer.state(streams.user(envelope.tenant, envelope.actor))).state
        if Role.ADMIN not in require_active(actor, envelope.actor).roles:
            raise UnknownApiKey
    return known


async def find_credential(keys: ApiKeys, tenant: str, key: ApiKeyId) -> Credential:
    """Find what a key is proven by. Raises `UnknownApiKey` for that of a person who was erased."""
    kept = (await keys.get_credentials(tenant, [key])).get(key)
    if kept is None:
        raise UnknownApiKey
    return kept.credential


def create_key(envelope: Envelope, wanted: Wanted, *, user: UserId, scopes: tuple[Scope, ...]) -> Command:
    """Return the command that makes a key for the actor, or by an administrator for a user who cannot log in."""
    stream, owner = streams.api_key(envelope.tenant, wanted.key), streams.user(envelope.tenant, user)

    def decide(work: Work) -> Body:
        require_actor(work, envelope)
        if user != envelope.actor and not _is_admin(work, envelope):
            raise NotTheirs
        work.run(stream, _creation(work, envelope, wanted, user=user, scopes=scopes))
        return _made(work.state(stream), envelope.tenant)

    reads = tuple(dict.fromkeys((*actor_streams(envelope), owner, stream)))
    return Command(name="create_api_key", envelope=envelope, reads=reads, decide=decide)


def rotate_key(envelope: Envelope, known: ApiKey, wanted: Wanted, *, overlap: timedelta) -> Command:
    """Return the command that gives a key a successor with its scopes, in one append with the successor."""
    old, new = (streams.api_key(envelope.tenant, key) for key in (known.key, wanted.key))
    owner = streams.user(envelope.tenant, known.user)

    def decide(work: Work) -> Body:
        require_actor(work, envelope)
        key = _within_reach(work, envelope, old)
        rotate = RotateKey(successor=wanted.key, overlap=overlap, occurred_at=envelope.now)
        work.run(old, rotate)
        work.run(new, _creation(work, envelope, wanted, user=key.user, scopes=key.scopes, replaces=key.key))
        return {**_made(work.state(new), envelope.tenant), **_ends(work.state(old).usable_until)}

    reads = tuple(dict.fromkeys((*actor_streams(envelope), owner, old, new)))
    return Command(name="rotate_api_key", envelope=envelope, reads=reads, decide=decide)


def revoke_key(envelope: Envelope, key: ApiKeyId) -> Command:
    """Return the command by which its user, or an administrator, ends a key."""
    stream = streams.api_key(envelope.tenant, key)

    def decide(work: Work) -> Body:
        require_actor(work, envelope)
        _within_reach(work, envelope, stream)
        work.run(stream, RevokeKey(by=envelope.actor, occurred_at=envelope.now))
        return {"id": key}

    return Command(name="revoke_api_key", envelope=envelope, reads=(*actor_streams(envelope), stream), decide=decide)


def _creation(
    work: Work,
    envelope: Envelope,
    wanted: Wanted,
    *,
    user: UserId,
    scopes: tuple[Scope, ...],
    replaces: ApiKeyId | None = None,
) -> CreateKey:
    owner = require_active(work.state(streams.user(envelope.tenant, user)), user)
    return CreateKey(
        key=wanted.key,
        user=user,
        kind=wanted.kind,
        scopes=scopes,
        by=envelope.actor,
        roles=owner.roles,
        has_addresses=wanted.has_addresses,
        occurred_at=envelope.now,
        replaces=replaces,
    )


def _within_reach(work: Work, envelope: Envelope, stream: str) -> ApiKey:
    """Return a key of the actor's, or any key of the tenant for an administrator. Raises `UnknownApiKey`."""
    key: ApiKey | None = work.state(stream)
    if key is None or (key.user != envelope.actor and not _is_admin(work, envelope)):
        raise UnknownApiKey
    return key


def _is_admin(work: Work, envelope: Envelope) -> bool:
    actors = (work.state(stream) for stream in actor_streams(envelope))
    return any(isinstance(actor, User) and Role.ADMIN in actor.roles for actor in actors)


def _made(key: ApiKey, tenant: str) -> Body:
    scopes = [scope.value for scope in key.scopes]
    return {"id": key.key, "key": f"{tenant}.{key.key}", "kind": key.kind.value, "scopes": scopes}


def _ends(at: datetime | None) -> Body:
    assert at is not None, "a key that was rotated ends"
    return {"predecessor_usable_until": at.isoformat()}
