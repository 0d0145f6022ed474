"""GitHub (OAuth 2.0, no OpenID Connect): who it is comes from `/user`, verified addresses from `/user/emails`.

The address in the profile is what somebody typed there and counts for nothing; only the primary, verified one does.
"""

from application.identity_ports import Identity, Pledge
from interfaces.identity.oauth import Credentials, conversation

NAME = "github"
_SCOPE = "read:user user:email"
_JSON = "application/vnd.github+json"


class GitHub:
    """The port `IdentityProvider`. `url` is where people log in, `api_url` where their data is asked for."""

    def __init__(self, credentials: Credentials, *, url: str, api_url: str) -> None:
        self._credentials = credentials
        self._url = url
        self._api_url = api_url

    async def authorization_url(self, state: str, pledge: Pledge) -> str:
        """See the port."""
        async with conversation(self._credentials, scope=_SCOPE) as client:
            return client.authorization_url(f"{self._url}/login/oauth/authorize", state, pledge)

    async def identify(self, code: str, pledge: Pledge) -> Identity:
        """See the port."""
        async with conversation(self._credentials, scope=_SCOPE) as client:
            await client.fetch_token(f"{self._url}/login/oauth/access_token", code, pledge)
            user = await client.get(f"{self._api_url}/user", with_token=True, accept=_JSON)
            emails = await client.get(f"{self._api_url}/user/emails", with_token=True, accept=_JSON)
            verified = [str(one["email"]) for one in emails if one["primary"] is True and one["verified"] is True]
            return Identity(id=str(int(user["id"])), email=verified[0] if verified else None)
