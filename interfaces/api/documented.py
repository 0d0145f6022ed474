"""What OpenAPI says beside a route's own answer: every problem it may give, with an example of each."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from interfaces.api.problems import MEDIA_TYPE

_EXAMPLES = {
    400: ("unreadable_json", "The body is not readable as JSON."),
    401: ("unauthenticated", "A valid access token is needed."),
    403: ("role_not_allowed", "Your roles do not allow this."),
    404: ("unknown_entry", "There is no such entry."),
    409: ("insufficient_funds", "The account does not hold enough."),
    413: ("body_too_large", "The body is too large."),
    415: ("unsupported_media_type", "The body must be application/json."),
    422: ("invalid_request", "The request breaks the form of its fields."),
    429: ("too_many_requests", "No more than 1000 requests in 15 minutes: try again later."),
    500: ("internal_error", "This is our mistake; it is logged."),
    503: ("unavailable", "Please try again soon."),
}

QUERY = (401, 403, 422, 429, 500, 503)
"""What every query may say."""
COMMAND = (400, 401, 403, 409, 413, 415, 422, 429, 500, 503)
"""What every command may say."""


class ProblemError(BaseModel):
    """One offending value."""

    pointer: str = Field(examples=["/postings/0/amount"])
    code: str
    detail: str


class ProblemBody(BaseModel):
    """A problem (RFC 9457); members beside these are the numbers that led to it."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[ProblemError]
    request_id: str


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route for these statuses."""
    return {status: _problem(status) for status in sorted(set(statuses))}


def _problem(status: int) -> dict[str, Any]:
    code, detail = _EXAMPLES[status]
    example = {
        "type": "about:blank",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "code": code,
        "detail": detail,
        "errors": [],
        "request_id": "8f4e1d0c2b7a4f6e9d3c5b1a7e2f4d60",
    }
    content = {"schema": {"$ref": "#/components/schemas/ProblemBody"}, "example": example}
    return {"description": detail, "content": {MEDIA_TYPE: content}}
