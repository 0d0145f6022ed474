"""Somebody who sends requests to the API over TCP."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

V1 = "/api/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody who sends requests to one API process. Every POST has a key of its own, unless one is given."""

    http: httpx.Client
    user: str = ""
    token: str | None = None

    def at(self, http: httpx.Client) -> "Caller":
        """Return the same person at another process."""
        return Caller(http=http, user=self.user, token=self.token)

    def send(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        **request: Any,  # noqa: ANN401 - httpx's own options, by name
    ) -> httpx.Response:
        """Send a request; paths that do not begin at the root are below /api/v1."""
        sent = dict(headers or {})
        if self.token is not None:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        if key is not None:
            sent["Idempotency-Key"] = key
        url = path if path.startswith("/") else f"{V1}/{path}"
        return self.http.request(method, url, headers=sent, **request)

    def get(self, path: str, *, after: httpx.Response | int | None = None, **parameters: Any) -> httpx.Response:  # noqa: ANN401 - texts, numbers and times
        """Ask; `after` an answer to a command, or a log position, of which the read model must know already."""
        if after is not None:
            known = after.headers["X-Log-Position"] if isinstance(after, httpx.Response) else after
            parameters["min_log_position"] = known
        return self.send("GET", path, params={name.rstrip("_"): str(value) for name, value in parameters.items()})

    def post(self, path: str, body: object = None, *, key: str | None = "", **parameters: object) -> httpx.Response:
        """Command, with a fresh key unless one is given or None says that there is none."""
        own = uuid.uuid4().hex if not key and key is not None else key
        return self.send("POST", path, key=own, json=body, params={n: str(v) for n, v in parameters.items()})
