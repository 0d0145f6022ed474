"""Google (OpenID Connect): what it signs is believed after signature, issuer, audience, time and nonce were checked.

An address counts only where the claim `email_verified` is true.
"""

import time

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from application.identity_ports import Identity, IdentityRefused, Pledge, ProviderAway
from interfaces.identity.oauth import Client, Credentials, conversation

NAME = "google"
_SCOPE = "openid email"
_ALGORITHMS = ["RS256"]
_LEEWAY_S = 30
_KNOWN_FOR_S = 3_600


class Google:
    """The port `IdentityProvider`. `issuer` is where its configuration is found."""

    def __init__(self, credentials: Credentials, *, issuer: str) -> None:
        self._credentials = credentials
        self._issuer = issuer
        self._endpoints: dict[str, str] = {}
        self._known_until = 0.0

    async def authorization_url(self, state: str, pledge: Pledge) -> str:
        """See the port."""
        async with conversation(self._credentials, scope=_SCOPE) as client:
            endpoints = await self._configuration(client)
            return client.authorization_url(
                endpoints["authorization_endpoint"], state, pledge, nonce=pledge.nonce, prompt="select_account"
            )

    async def identify(self, code: str, pledge: Pledge) -> Identity:
        """See the port."""
        async with conversation(self._credentials, scope=_SCOPE) as client:
            endpoints = await self._configuration(client)
            token = await client.fetch_token(endpoints["token_endpoint"], code, pledge)
            keys = KeySet.import_key_set(await client.get(endpoints["jwks_uri"]))
            claims = self._checked(str(token["id_token"]), keys, pledge)
        email = claims.get("email") if claims.get("email_verified") is True else None
        return Identity(id=str(claims["sub"]), email=None if email is None else str(email))

    def _checked(self, id_token: str, keys: KeySet, pledge: Pledge) -> dict[str, object]:
        """Return the claims of an id token that is for us, from there, of now and of this login."""
        issuers = [self._issuer, self._issuer.removeprefix("https://")]
        options = {
            "iss": {"essential": True, "values": issuers},
            "aud": {"essential": True, "value": self._credentials.client_id},
        }
        try:
            signed = jwt.decode(id_token, keys, algorithms=_ALGORITHMS)
            claims = CodeIDToken(
                signed.claims,
                signed.header,
                options,
                {"nonce": pledge.nonce, "client_id": self._credentials.client_id},
            )
            claims.validate(leeway=_LEEWAY_S)
        except JoseError:
            raise IdentityRefused from None
        return dict(claims)

    async def _configuration(self, client: Client) -> dict[str, str]:
        """Return the endpoints (OpenID Connect Discovery 1.0), which are asked for once an hour."""
        if time.monotonic() >= self._known_until:
            found = await client.get(f"{self._issuer}/.well-known/openid-configuration")
            if found["issuer"] != self._issuer:
                raise ProviderAway("the configuration is somebody else's")
            self._endpoints = found
            self._known_until = time.monotonic() + _KNOWN_FOR_S
        return self._endpoints
