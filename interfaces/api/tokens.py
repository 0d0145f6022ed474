"""Access tokens: short-lived, signed with a key of the vault; issuer, audience, type and time are checked."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

import jwt

from application.ports import Clock, SigningKey
from domain.api_keys import Scope
from domain.ids import ApiKeyId, Tenant, UserId
from domain.users import Role
from interfaces.api.problems import Problem

ISSUER = "lastro"
AUDIENCE = "lastro-api"
TYPE = "access"
ALGORITHM = "HS256"
LEAST_KEY_BYTES = 32
MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """For whom a token or an API key speaks; with a key, `scopes` say what it may do."""

    tenant: Tenant
    user: UserId
    roles: frozenset[Role]
    issued_at: float
    expires_at: float
    stepped_up_until: float = 0.0
    key: ApiKeyId | None = None
    scopes: frozenset[Scope] = frozenset()


def refused() -> Problem:
    """Return the problem of a request without a good token; why it is not good is nobody's business."""
    return Problem(
        HTTPStatus.UNAUTHORIZED,
        "unauthenticated",
        "A valid access token is needed.",
        headers={"WWW-Authenticate": "Bearer"},
    )


class Tokens:
    """Signs access tokens and reads them. What was verified once is remembered until it expires."""

    def __init__(self, key: SigningKey, clock: Clock, *, life: timedelta) -> None:
        assert len(key.secret) >= LEAST_KEY_BYTES, "a short key can be guessed"
        self._key = key
        self._clock = clock
        self.life = life
        self._verified: OrderedDict[str, Caller] = OrderedDict()

    def sign(self, *, tenant: str, user: str, roles: frozenset[Role], stepped_up_for: timedelta | None = None) -> str:
        """Return a token for a user; `stepped_up_for` says how long it stands for a fresh proof (step_up.py)."""
        now = self._clock.now()
        claims: dict[str, object] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "typ": TYPE,
            "sub": user,
            "tenant": tenant,
            "roles": sorted(role.value for role in roles),
            "iat": now.timestamp(),
            "exp": now + self.life,
        }
        if stepped_up_for is not None:
            claims["step_up"] = (now + stepped_up_for).timestamp()
        return jwt.encode(claims, self._key.secret, algorithm=ALGORITHM, headers={"kid": self._key.id})

    def read(self, token: str) -> Caller:
        """Return who a token speaks for. Raises a `Problem` with status 401."""
        caller = self._verified.get(token) or self._verify(token)
        if caller.expires_at <= self._clock.now().timestamp():
            self._verified.pop(token, None)
            raise refused()
        return caller

    def _verify(self, token: str) -> Caller:
        try:
            claims = jwt.decode(
                token,
                self._key.secret,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                audience=AUDIENCE,
                options={"require": ["exp", "iat", "sub", "tenant", "roles", "typ"]},
            )
            if claims["typ"] != TYPE:
                raise refused()
            caller = Caller(
                tenant=Tenant(claims["tenant"]),
                user=UserId(claims["sub"]),
                roles=frozenset(Role(role) for role in claims["roles"]),
                issued_at=float(claims["iat"]),
                expires_at=float(claims["exp"]),
                stepped_up_until=float(claims.get("step_up", 0)),
            )
        except (jwt.InvalidTokenError, ValueError, TypeError):
            raise refused() from None
        self._verified[token] = caller
        if len(self._verified) > MOST_REMEMBERED:
            self._verified.popitem(last=False)
        return caller
