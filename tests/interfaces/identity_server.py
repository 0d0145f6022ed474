"""A provider of identities on loopback, with Google's and GitHub's wire formats, and the ways in which they go wrong.

Google: discovery, JWKS, signed id tokens. GitHub: form-encoded logins, JSON on demand, errors with status 200, `/user`
and `/user/emails`. Codes are good once and only with the verifier of their challenge (RFC 7636).
"""

import asyncio
import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "lastro-of-tests", "planted oauth client secret"
REDIRECT = "http://127.0.0.1:9/back"
GITHUB_VERSION = "application/vnd.github+json"


@dataclass(kw_only=True)
class Person:
    """Somebody who is logged in at the provider; `changes` alter what an id token says."""

    id: str
    email: str
    verified: bool = True
    changes: dict[str, object] = field(default_factory=dict)


@dataclass(kw_only=True)
class _Grant:
    person: Person
    challenge: str
    redirect: str
    nonce: str | None


@dataclass
class IdentityServer:
    """What it was asked, and how it misbehaves: `forged` signs with a key that is not published, `away` answers 503."""

    url: str = ""
    forged: bool = False
    away: bool = False
    issued: list[str] = field(default_factory=list)
    _key: RSAKey = field(
        default_factory=lambda: RSAKey.generate_key(2048, {"kid": "first", "alg": "RS256", "use": "sig"})
    )
    _other: RSAKey = field(
        default_factory=lambda: RSAKey.generate_key(2048, {"kid": "first", "alg": "RS256", "use": "sig"})
    )
    _grants: dict[str, _Grant] = field(default_factory=dict)
    _tokens: dict[str, Person] = field(default_factory=dict)

    def log_in(self, authorization_url: str, person: Person) -> dict[str, str]:
        """Do what a browser does that was sent here: return the parameters it comes back with."""
        parts = urlsplit(authorization_url)
        asked = {name: values[0] for name, values in parse_qs(parts.query, strict_parsing=True).items()}
        assert f"{parts.scheme}://{parts.netloc}" == self.url
        assert (asked["response_type"], asked["client_id"], asked["redirect_uri"]) == ("code", CLIENT, REDIRECT)
        assert asked["code_challenge_method"] == "S256"
        wanted = {"/google/authorize": "openid email", "/github/login/oauth/authorize": "read:user user:email"}
        assert asked["scope"] == wanted[parts.path]
        code = secrets.token_urlsafe()
        self._grants[code] = _Grant(
            person=person, challenge=asked["code_challenge"], redirect=asked["redirect_uri"], nonce=asked.get("nonce")
        )
        return {"state": asked["state"], "code": code}

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._well])
        app.router.add_get("/google/.well-known/openid-configuration", self._configuration)
        app.router.add_get("/google/keys", self._keys)
        app.router.add_post("/google/token", self._google_token)
        app.router.add_post("/github/login/oauth/access_token", self._github_token)
        app.router.add_get("/api/user", self._user)
        app.router.add_get("/api/user/emails", self._emails)
        return app

    @web.middleware
    async def _well(self, request: web.Request, handler: Any) -> web.StreamResponse:  # noqa: ANN401 - the library's
        if self.away:
            return web.Response(status=503, text="<html>later</html>", content_type="text/html")
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _configuration(self, request: web.Request) -> web.Response:
        del request
        issuer = f"{self.url}/google"
        return web.json_response({
            "issuer": issuer, "authorization_endpoint": f"{issuer}/authorize", "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/keys", "response_types_supported": ["code"],
            "id_token_signing_alg_values_supported": ["RS256"], "subject_types_supported": ["public"],
        })  # fmt: skip

    async def _keys(self, request: web.Request) -> web.Response:
        del request
        return web.json_response({"keys": [self._key.as_dict(private=False)]})

    async def _google_token(self, request: web.Request) -> web.Response:
        grant = self._redeemed({name: str(said) for name, said in (await request.post()).items()})
        if grant is None:
            return web.json_response({"error": "invalid_grant", "error_description": "Bad Request"}, status=400)
        person, now = grant.person, int(time.time())
        claims = {
            "iss": f"{self.url}/google", "aud": CLIENT, "azp": CLIENT, "sub": person.id, "email": person.email,
            "email_verified": person.verified, "nonce": grant.nonce, "iat": now, "exp": now + 3600, **person.changes,
        }  # fmt: skip
        key = self._other if self.forged else self._key
        signed = jwt.encode({"alg": "RS256", "kid": "first", "typ": "JWT"}, claims, key)
        token = self._token(person)
        return web.json_response({
            "access_token": token, "expires_in": 3599, "scope": "openid email", "token_type": "Bearer",
            "id_token": signed,
        })  # fmt: skip

    async def _github_token(self, request: web.Request) -> web.Response:
        assert "application/json" in request.headers["Accept"]
        grant = self._redeemed({name: str(said) for name, said in (await request.post()).items()})
        if grant is None:  # GitHub says so with status 200.
            said = {"error": "bad_verification_code", "error_description": "The code passed is incorrect or expired."}
            return web.json_response(said)
        token = self._token(grant.person)
        return web.json_response({"access_token": token, "scope": "read:user,user:email", "token_type": "bearer"})

    async def _user(self, request: web.Request) -> web.Response:
        person = self._bearer(request)
        return web.json_response({"login": "ana", "id": int(person.id), "email": "typed-in@example.org", "name": "Ana"})

    async def _emails(self, request: web.Request) -> web.Response:
        person = self._bearer(request)
        return web.json_response(
            [
                {"email": "old@example.org", "primary": False, "verified": True, "visibility": None},
                {"email": person.email, "primary": True, "verified": person.verified, "visibility": "private"},
            ]
        )

    def _bearer(self, request: web.Request) -> Person:
        assert request.headers["Accept"] == GITHUB_VERSION
        assert request.headers["User-Agent"]
        return self._tokens[request.headers["Authorization"].removeprefix("Bearer ")]

    def _redeemed(self, form: dict[str, str]) -> _Grant | None:
        if (form["client_id"], form["client_secret"], form["grant_type"]) != (CLIENT, SECRET, "authorization_code"):
            return None
        grant = self._grants.pop(form["code"], None)
        challenge = (
            base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
        )
        if grant is None or grant.challenge != challenge or grant.redirect != form["redirect_uri"]:
            return None
        return grant

    def _token(self, person: Person) -> str:
        token = f"planted-oauth-{secrets.token_urlsafe()}"
        self.issued.append(token)
        self._tokens[token] = person
        return token


@contextmanager
def serving() -> Iterator[IdentityServer]:
    """Run the provider in a thread, on a free port."""
    server, loop = IdentityServer(), asyncio.new_event_loop()
    runner = web.AppRunner(server.application())

    async def start() -> None:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"

    thread = threading.Thread(target=loop.run_forever, name="provider")
    thread.start()
    asyncio.run_coroutine_threadsafe(start(), loop).result(20)
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()
