"""The authorization code with PKCE (RFC 6749, 7636), as both providers speak it, through authlib."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import structlog
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from application.identity_ports import IdentityRefused, Pledge, ProviderAway

log = structlog.get_logger()

TIMEOUT_S = 10.0
_OK, _SERVER_ERROR = 200, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a provider knows this installation by, and the page that browsers come back to."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_url: str


class Client:
    """One conversation with a provider. An outcome that is not certain is ProviderAway, and never a login."""

    def __init__(self, credentials: Credentials, *, scope: str) -> None:
        self._oauth = AsyncOAuth2Client(
            client_id=credentials.client_id,
            client_secret=credentials.client_secret,
            redirect_uri=credentials.redirect_url,
            scope=scope,
            code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_post",  # noqa: S106 - the name of a method (RFC 6749, 2.3.1)
            timeout=TIMEOUT_S,
        )

    def authorization_url(self, endpoint: str, state: str, pledge: Pledge, **more: str) -> str:
        """Return where a browser is sent."""
        url, _ = self._oauth.create_authorization_url(endpoint, state=state, code_verifier=pledge.verifier, **more)
        return str(url)

    async def fetch_token(self, endpoint: str, code: str, pledge: Pledge) -> dict[str, Any]:
        """Exchange a code for tokens, which live no longer than this conversation."""
        token = await self._oauth.fetch_token(endpoint, code=code, code_verifier=pledge.verifier)
        return dict(token)

    async def get(self, url: str, *, with_token: bool = False, **headers: str) -> Any:  # noqa: ANN401 - any JSON
        """Return what an address answers."""
        answer = await self._oauth.request("GET", url, withhold_token=not with_token, headers=headers)
        if answer.status_code != _OK:
            raise ProviderAway(f"status {answer.status_code}")
        return answer.json()

    async def close(self) -> None:
        """End the conversation."""
        await self._oauth.aclose()


@asynccontextmanager
async def conversation(credentials: Credentials, *, scope: str) -> AsyncIterator[Client]:
    """Give a client; what goes wrong in between is IdentityRefused or ProviderAway, and holds nothing that was said."""
    client = Client(credentials, scope=scope)
    try:
        yield client
    except OAuthError as error:
        log.info("identity.refused", reason=error.error)
        raise IdentityRefused from None
    except (httpx2.HTTPError, ValueError, KeyError) as error:
        log.warning("identity.provider_away", error=type(error).__name__)
        raise ProviderAway from None
    finally:
        await client.close()
