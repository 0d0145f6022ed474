"""What happens to every request before and after its route: an id, the size and type of its body, headers, metrics.

Plain ASGI: it costs microseconds where a framework's middleware costs tenths of a millisecond.
"""

import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus

from fastapi.routing import APIRoute
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from interfaces.api import deprecated, problems
from interfaces.api.metrics import ANSWERS, SECONDS

MOST_BYTES = 1024 * 1024
MOST_BYTES_IN_BULK = 8 * 1024 * 1024
BULK_PATHS = ("/bulk",)
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_SECURITY = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()"),
    # The one page there is has a style of its own; nothing here runs a script or shows what another site frames.
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
)
_OVER_TLS = ("Strict-Transport-Security", "max-age=31536000")
"""Only where the request came over TLS, or a proxy on this machine says so (RFC 6797, 7.2)."""
_ALLOWED_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_ALLOWED_HEADERS = ("Authorization", "Content-Type", "Idempotency-Key")
_EXPOSED_HEADERS = ("X-Request-Id", "X-Log-Position", "Idempotent-Replayed", "Retry-After", "WWW-Authenticate")
_PREFLIGHT_S = 600

_WRONG_TYPE = problems.Problem(
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body must be application/json."
)


class Requests:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, *, head: Callable[[], int], origins: Sequence[str] = ()) -> None:
        self._app = app
        self._head = head
        self._answered: ASGIApp = self._checked
        if origins:
            self._answered = CORSMiddleware(
                self._checked,
                allow_origins=origins,
                allow_methods=_ALLOWED_METHODS,
                allow_headers=_ALLOWED_HEADERS,
                expose_headers=_EXPOSED_HEADERS,
                max_age=_PREFLIGHT_S,
            )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection event of the server."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                headers.setdefault("X-Log-Position", str(self._head()))
                for name, value in (*_SECURITY, _OVER_TLS) if scope["scheme"] == "https" else _SECURITY:
                    headers.setdefault(name, value)
                if (successor := _successor(scope)) is not None:
                    headers.update(dict(deprecated.headers(successor)))
            await send(message)

        try:
            await self._answered(scope, receive, answer)
        except Exception:
            if not status:
                raise  # otherwise it was answered and logged by problems.bug
        finally:
            name = getattr(scope.get("route"), "operation_id", None) or "none"
            ANSWERS.labels(name, str(status)).inc()
            SECONDS.labels(name).observe(time.perf_counter() - started)

    async def _checked(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        headers = Headers(scope=scope)
        most = MOST_BYTES_IN_BULK if scope["path"].endswith(BULK_PATHS) else MOST_BYTES
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > most:
            await _refused(request, problems.body_too_large())(scope, receive, send)
            return
        has_body = length != "0" or "transfer-encoding" in headers
        if has_body and scope["method"] in _WITH_BODY and not _is_json(headers.get("content-type", "")):
            await _refused(request, _WRONG_TYPE)(scope, receive, send)
            return
        await self._app(scope, _limited(receive, most), send)


def _successor(scope: Scope) -> str | None:
    """Return the path that took the place of a deprecated one; None where the route is not deprecated."""
    route = scope.get("route")
    if not isinstance(route, APIRoute) or not route.deprecated:
        return None
    assert route.openapi_extra is not None, "a deprecated path says which one took its place"
    return str(route.openapi_extra["x-successor"])


def _limited(receive: Receive, most: int) -> Callable[[], Awaitable[Message]]:
    """Count what really comes: a body without a declared length is as limited as any."""
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > most:
            raise problems.body_too_large()
        return message

    return counted


def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "application/json"


def _refused(request: Request, problem: problems.Problem) -> ASGIApp:
    return problems.render(request, problem.status, code=problem.code, detail=problem.detail)
