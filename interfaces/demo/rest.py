"""One person's conversation with the API: token, idempotency keys, pages. It knows nothing about what is asked."""

from collections.abc import Iterator
from typing import Any, Self

import httpx

Json = dict[str, Any]

UNAUTHORIZED = 401
_PAGE = 500
_TIMEOUT_S = 15


class RequestRefused(Exception):
    """The API answered with a problem; the message holds its status and what it said."""


class Person:
    """Somebody who is logged in, and logs in again when the token has run out."""

    def __init__(self, url: str, *, email: str, password: str, tenant: str = "main") -> None:
        self.email = email
        self.tenant = tenant
        self.password = password
        self.seen = 0
        """The last log position that this person's own commands were answered with."""
        self._client = httpx.Client(base_url=f"{url}/api/v1", timeout=_TIMEOUT_S, trust_env=False)

    def __enter__(self) -> Self:
        self._log_in()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, *, at_least: int = 0, **parameters: str | int) -> Json:
        """Return the answer of a query whose read model has come to a log position. Raises `RequestRefused`."""
        return self._ask("GET", path, params={**parameters, "min_log_position": at_least})

    def pages(self, path: str, *, at_least: int = 0, **parameters: str | int) -> Iterator[Json]:
        """Yield all pages of a list or a statement."""
        page = self.get(path, at_least=at_least, limit=_PAGE, **parameters)
        yield page
        while page["next_cursor"]:
            page = self.get(path, at_least=at_least, limit=_PAGE, cursor=page["next_cursor"], **parameters)
            yield page

    def items(self, path: str, *, at_least: int = 0, **parameters: str | int) -> list[Json]:
        """Return all items of a list."""
        return [item for page in self.pages(path, at_least=at_least, **parameters) for item in page["items"]]

    def step_up(self) -> None:
        """Prove again who this is, for what an access token alone must not do. Raises `RequestRefused`."""
        self._bear(self._ask("POST", "/auth/step-up", json={"password": self.password}))

    def ask(self, path: str, body: Json) -> None:
        """Do what needs no token yet. Raises `RequestRefused`."""
        _require(self._client.post(path, json=body))

    def post(self, path: str, body: Json, *, key: str) -> Json:
        """Send a command under an idempotency key. Raises `RequestRefused`."""
        return self._ask("POST", path, json=body, headers={"Idempotency-Key": key})

    def _ask(self, method: str, path: str, **request: Any) -> Json:  # noqa: ANN401 - the library's own arguments
        answer = self._client.request(method, path, **request)
        if answer.status_code == UNAUTHORIZED:
            self._log_in()
            answer = self._client.request(method, path, **request)
        body = _body(answer)
        if method == "POST":
            self.seen = max(self.seen, int(answer.headers.get("X-Log-Position", "0")))
        return body

    def _log_in(self) -> None:
        self._client.headers.pop("Authorization", None)
        credentials = {"tenant": self.tenant, "email": self.email, "password": self.password}
        body = _body(self._client.post("/auth/login", json=credentials))
        self._bear(body)

    def _bear(self, given: Json) -> None:
        self._client.headers["Authorization"] = f"Bearer {given['access_token']}"


def _body(answer: httpx.Response) -> Json:
    _require(answer)
    body: Json = answer.json()
    return body


def _require(answer: httpx.Response) -> None:
    if not answer.is_success:
        request = answer.request
        raise RequestRefused(f"{request.method} {request.url.path} → {answer.status_code}: {answer.text[:500]}")
