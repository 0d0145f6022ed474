"""Programs that sign their requests with an API key, as docs/api-keys.md describes it."""

import hashlib
import hmac
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain.users import Role
from tests.interfaces.api.answers import body
from tests.interfaces.api.callers import V1, Caller
from tests.interfaces.api.installation import House

LOOPBACK = ("127.0.0.1/32",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer(Caller):
    """A program with a key. What a test wants to have wrong it says: `said` are headers, set before signing."""

    key: str = ""
    proof: bytes | Ed25519PrivateKey = b""
    said: Mapping[str, str] = field(default_factory=dict)
    forged: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The key's id."""
        return self.key.partition(".")[2]

    def at(self, http: httpx.Client) -> "Signer":
        """Return the same program at another process."""
        return self.but(http=http)

    def but(self, **changed: Any) -> "Signer":  # noqa: ANN401 - any field
        """Return a program that differs in a field."""
        same = {name: getattr(self, name) for name in ("http", "user", "key", "proof", "said", "forged")}
        return Signer(**{**same, **changed})

    def send(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        **request: Any,  # noqa: ANN401 - httpx's own options, by name
    ) -> httpx.Response:
        """Sign a request and send it."""
        return self.http.send(self.signed(method, path, key=key, headers=headers, **request))

    def signed(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        **request: Any,  # noqa: ANN401 - httpx's own options, by name
    ) -> httpx.Request:
        """Return a request with its signature; `forged` headers are set when it is signed."""
        idempotency = {} if key is None else {"Idempotency-Key": key}
        url = path if path.startswith("/") else f"{V1}/{path}"
        built = self.http.build_request(method, url, headers={**idempotency, **(headers or {})}, **request)
        content = hashlib.sha256(built.content).hexdigest()
        built.headers["X-Api-Key"], built.headers["X-Content-SHA256"] = self.key, content
        built.headers["X-Timestamp"] = str(time.time_ns() // 1_000_000)
        built.headers.update(self.said)
        built.headers["X-Signature"] = self._signature(built)
        built.headers.update(self.forged)
        return built

    def _signature(self, request: httpx.Request) -> str:
        said = request.headers
        lines = (
            "LASTRO-1", said["X-Api-Key"], request.method, request.url.raw_path.decode(), said["X-Timestamp"],
            said.get("X-Recv-Window", "5000"), said.get("Idempotency-Key", ""), said["X-Content-SHA256"],
        )  # fmt: skip
        text = "\n".join(lines).encode()
        if isinstance(self.proof, bytes):
            return b64encode(hmac.digest(self.proof, text, "sha256")).decode()
        return b64encode(self.proof.sign(text)).decode()


def hmac_key(owner: Caller, *scopes: str, **fields: object) -> Signer:
    """Make a key with a secret."""
    wanted = {"name": "bot", "kind": "hmac", "scopes": scopes, **fields}
    made = body(owner.post("api-keys", wanted), 201)
    return Signer(http=owner.http, user=owner.user, key=made["key"], proof=made["secret"].encode())


def ed25519_key(owner: Caller, *scopes: str, **fields: object) -> Signer:
    """Make a key of which only the program has the private half."""
    private = Ed25519PrivateKey.generate()
    wanted = {"name": "bot", "kind": "ed25519", "public_key": public(private), "scopes": scopes, **fields}
    made = body(owner.post("api-keys", wanted), 201)
    assert "secret" not in made
    return Signer(http=owner.http, user=owner.user, key=made["key"], proof=private)


def public(private: Ed25519PrivateKey) -> str:
    return b64encode(private.public_key().public_bytes_raw()).decode()


def machine(house: House, *scopes: str) -> Signer:
    """Make a user whose only role is api_only, and as an administrator a key for it."""
    user = house.person(Role.API_ONLY).user
    made = hmac_key(house.admin, *scopes, user_id=user)
    return made.but(user=user)
