"""Problems: every error of the API as `application/problem+json` (RFC 9457), with code, pointers and numbers.

What is not foreseen is our bug: it is logged with an id, and the answer holds the id and nothing more.
"""

import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException

from application.commands import CommandRefused, QueueFull, StillRunning, Stopped
from application.ports import LoginLocked, SessionRefused
from domain.errors import DomainError, Forbidden, Invalid, NotFound
from interfaces.postgres.errors import DATABASE_AWAY
from projections.reading import NotReached

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = "1"
_BODY_ERRORS = {"json_invalid": HTTPStatus.BAD_REQUEST}


class Problem(HTTPException):
    """An error that the API itself finds, before or after the domain is asked."""

    def __init__(self, status: HTTPStatus, code: str, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.status = status
        self.code = code


@contextmanager
def pointing_at(*path: str) -> Iterator[None]:
    """Let an error that a value causes name the value's place in the body."""
    try:
        yield
    except Invalid as error:
        error.at = error.at or path
        raise


def pointer(path: Sequence[str | int]) -> str:
    """Return the JSON pointer (RFC 6901) of a path into the body."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def render(
    request: Request,
    status: HTTPStatus,
    *,
    code: str,
    detail: str,
    errors: Sequence[Mapping[str, str]] = (),
    numbers: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a problem as an answer. `numbers` are members of their own beside the standard ones."""
    body = {
        **(numbers or {}),
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "code": code,
        "detail": detail,
        "errors": list(errors),
        "request_id": request.state.request_id,
    }
    return Response(to_json(body), status_code=status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def status_of(error: DomainError) -> HTTPStatus:
    """Return the status of a kind of broken rule (CONTRACT, Status codes)."""
    match error:
        case Invalid():
            return HTTPStatus.UNPROCESSABLE_ENTITY
        case NotFound():
            return HTTPStatus.NOT_FOUND
        case Forbidden():
            return HTTPStatus.FORBIDDEN
        case _:
            return HTTPStatus.CONFLICT


def refusal_as_problem(refusal: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a problem for one entry of a bulk request."""
    at = pointer(refusal["at"])
    errors = [{"pointer": at, "code": refusal["code"], "detail": refusal["detail"]}] if at else []
    return {**refusal["data"], "code": refusal["code"], "detail": refusal["detail"], "errors": errors}


def install(app: FastAPI) -> None:
    """Answer every error with a problem."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(DomainError, _domain_error)
    app.add_exception_handler(CommandRefused, _refused)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)
    for unavailable in (QueueFull, Stopped, NotReached, *DATABASE_AWAY):
        app.add_exception_handler(unavailable, _unavailable)
    app.add_exception_handler(StillRunning, _still_running)
    app.add_exception_handler(LoginLocked, _login_locked)
    app.add_exception_handler(SessionRefused, _session_refused)
    app.add_exception_handler(Exception, bug)


def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return render(request, error.status, code=error.code, detail=error.detail, headers=error.headers)


def unreadable_json() -> Problem:
    """Return the problem of a body that is no JSON."""
    return Problem(HTTPStatus.BAD_REQUEST, "unreadable_json", "The body is not readable as JSON.")


def body_too_large() -> Problem:
    """Return the problem of a body beyond the limit."""
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", "The body is too large.")


def _domain_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, DomainError)
    at = pointer(error.at)
    errors = [{"pointer": at, "code": error.code, "detail": str(error)}] if at else []
    return render(request, status_of(error), code=error.code, detail=str(error), errors=errors, numbers=error.data)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, CommandRefused)
    refusal = refusal_as_problem(error.done.receipt.answer)
    code, detail, errors = refusal.pop("code"), refusal.pop("detail"), refusal.pop("errors")
    headers = {"X-Log-Position": str(request.app.state.parts.committer.head)}
    if error.done.replayed:
        headers["Idempotent-Replayed"] = "true"
    return render(
        request, HTTPStatus.CONFLICT, code=code, detail=detail, errors=errors, numbers=refusal, headers=headers
    )


def _invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    status = _BODY_ERRORS.get(found[0]["type"], HTTPStatus.UNPROCESSABLE_ENTITY)
    if status is HTTPStatus.BAD_REQUEST:
        return render(request, status, code="unreadable_json", detail="The body is not readable as JSON.")
    errors = [{"pointer": _place(one["loc"]), "code": one["type"], "detail": one["msg"]} for one in found]
    return render(
        request, status, code="invalid_request", detail="The request breaks the form of its fields.", errors=errors
    )


def _place(location: Sequence[str | int]) -> str:
    """Return the pointer into the body, or the name of what is not in the body: a query parameter, a header."""
    where, *path = location
    return pointer(path) if where == "body" else f"{where}:{'.'.join(str(part) for part in path)}"


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    code = status.phrase.lower().replace(" ", "_").replace("-", "_")
    return render(request, status, code=code, detail=status.description or status.phrase, headers=error.headers)


def _unavailable(request: Request, error: Exception) -> Response:
    log.warning("api.unavailable", error=repr(error))
    code = "position_not_reached" if isinstance(error, NotReached) else "unavailable"
    detail = "The read model has not come that far." if isinstance(error, NotReached) else "Please try again soon."
    return render(
        request,
        HTTPStatus.SERVICE_UNAVAILABLE,
        code=code,
        detail=detail,
        headers={"Retry-After": RETRY_AFTER_S},
    )


def _still_running(request: Request, _: Exception) -> Response:
    return render(
        request,
        HTTPStatus.CONFLICT,
        code="idempotency_in_progress",
        detail="An equal request is still running.",
        headers={"Retry-After": RETRY_AFTER_S},
    )


def _login_locked(request: Request, error: Exception) -> Response:
    assert isinstance(error, LoginLocked)
    return render(
        request,
        HTTPStatus.TOO_MANY_REQUESTS,
        code="login_locked",
        detail="Too many failed logins: try again later.",
        numbers={"until": error.until.isoformat()},
        headers={"Retry-After": "900"},
    )


def _session_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, SessionRefused)
    log.info("api.session_refused", reason=error.reason)
    return render(request, HTTPStatus.UNAUTHORIZED, code="session_refused", detail="The session is over: log in again.")


def bug(request: Request, error: Exception) -> Response:
    """Answer what nobody foresaw with an id and nothing more."""
    frames = "".join(traceback.format_exception(error))  # never the values of variables: passwords are among them
    log.error("api.bug", request_id=request.state.request_id, path=request.url.path, traceback=frames)
    return render(
        request, HTTPStatus.INTERNAL_SERVER_ERROR, code="internal_error", detail="This is our mistake; it is logged."
    )
