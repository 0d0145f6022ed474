"""What tests expect of answers: a body with its status, or a problem with its code, in the form that all have."""

from typing import Any

import httpx

MEMBERS = {"type", "title", "status", "code", "detail", "errors", "request_id"}


def body(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    """Return the body of an answer that has this status."""
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    assert answer.headers["content-type"] == "application/json"
    said: dict[str, Any] = answer.json()
    return said


def items(answer: httpx.Response) -> list[dict[str, Any]]:
    """Return the items of a list's page."""
    page = body(answer)
    assert page.keys() == {"items", "next_cursor"}
    found: list[dict[str, Any]] = page["items"]
    return found


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Return the problem that an answer must be (RFC 9457; CONTRACT, Status codes)."""
    assert answer.headers["content-type"] == "application/problem+json", f"{answer.status_code} {answer.text}"
    said: dict[str, Any] = answer.json()
    assert said.keys() >= MEMBERS
    assert (said["status"], said["request_id"]) == (answer.status_code, answer.headers["X-Request-Id"])
    assert (answer.status_code, said["code"]) == (status, code), said
    return said


def pointers(said: dict[str, Any]) -> list[str]:
    """Return which values a problem names."""
    return [error["pointer"] for error in said["errors"]]
