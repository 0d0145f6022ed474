"""What happens to every request before and after its route: an id, the size and type of its body, headers, metrics.

Plain ASGI: it costs microseconds where a framework's middleware costs tenths of a millisecond.
"""

import time
import uuid
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from interfaces.api import problems
from interfaces.api.metrics import ANSWERS, SECONDS

MOST_BYTES = 1024 * 1024
MOST_BYTES_IN_BULK = 8 * 1024 * 1024
BULK_PATHS = ("/bulk",)
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_SECURITY = (
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
)


_WRONG_TYPE = problems.Problem(
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body must be application/json."
)


class Requests:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, *, head: Callable[[], int]) -> None:
        self._app = app
        self._head = head

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
                for name, value in _SECURITY:
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._checked(scope, receive, answer)
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
