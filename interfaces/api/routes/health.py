"""Health and metrics, at the root and without a role: what a load balancer and a monitoring system look at."""

from hmac import compare_digest
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic_core import to_json

from interfaces.api import metrics as numbers
from interfaces.api.ask import JSON
from interfaces.api.documented import problems
from interfaces.api.fields import Shown
from interfaces.api.parts import Parts
from interfaces.api.tokens import refused
from interfaces.finance.last import Built, last_build
from projections.reports import Reported, list_reports

router = APIRouter(tags=["operations"])


class Live(Shown):
    """The process answers."""

    status: str


class Ready(Shown):
    """Whether the process can do its work, and how the parts of the workers stand."""

    status: str
    log_position: int
    finance: dict[str, Any] | None
    parts: list[dict[str, Any]]


@router.get("/health/live", operation_id="health_live", response_model=Live)
async def health_live() -> Response:
    """Say that the process answers."""
    return Response(to_json({"status": "live"}), media_type=JSON)


@router.get(
    "/health/ready",
    operation_id="health_ready",
    response_model=Ready,
    responses={503: {"model": Ready, "description": "It cannot do its work now."}},
)
async def health_ready(request: Request) -> Response:
    """Say whether commands can be committed, and how every part of the workers stands; a stopped one is named.

    Why it stopped may hold what it met in the log: that is for whoever may read the metrics.
    """
    parts: Parts = request.app.state.parts
    trusted = _is_trusted(request, parts)
    ready = parts.committer.healthy
    body = {
        "status": "ready" if ready else "stopped",
        "log_position": await parts.store.head(),
        "finance": _shown(await _last_build(parts)),
        "parts": [
            {
                "kind": one.kind,
                "name": one.name,
                "state": "silent" if one.silent else one.state,
                "log_position": one.log_position,
                "error": one.error if trusted else None,
            }
            for one in await _reports(parts)
        ],
    }
    status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
    return Response(to_json(body), status_code=status, media_type=JSON)


@router.get("/metrics", operation_id="metrics", responses={200: {"content": {"text/plain": {}}}, **problems(401)})
async def metrics(request: Request) -> Response:
    """Return what this process counts and what the workers report. For loopback, or with the metrics token."""
    parts: Parts = request.app.state.parts
    if not _is_trusted(request, parts):
        raise refused()
    numbers.WAITING.set(parts.committer.waiting)
    numbers.COMMANDS.set(parts.committer.statistics.commands)
    numbers.LOSSES.set(parts.committer.statistics.losses)
    numbers.HEAD.set(await parts.store.head())
    built = await _last_build(parts)
    numbers.FINANCE_POSITION.set(0 if built is None else built.log_position)
    numbers.FINANCE_BUILT.set(0 if built is None else built.finished_at.timestamp())
    numbers.FINANCE_SOUND.set(built is not None and built.is_sound)
    for one in await _reports(parts):
        numbers.FOLLOWER_POSITION.labels(one.kind, one.name).set(one.log_position)
        numbers.FOLLOWER_LAG.labels(one.kind, one.name).set(one.lag_ms / 1_000)
        numbers.FOLLOWER_RUNNING.labels(one.kind, one.name).set(one.state == "running" and not one.silent)
        numbers.FOLLOWER_WAITS.labels(one.kind, one.name).set(one.waits)
    return Response(generate_latest(numbers.REGISTRY), media_type=CONTENT_TYPE_LATEST)


async def _last_build(parts: Parts) -> Built | None:
    async with parts.queries.connection() as connection:
        return await last_build(connection)


def _shown(built: Built | None) -> dict[str, Any] | None:
    if built is None:
        return None
    return {"log_position": built.log_position, "built_at": built.finished_at, "sound": built.is_sound}


def _is_trusted(request: Request, parts: Parts) -> bool:
    """Tell whether somebody has the token of the metrics, or asks from this machine."""
    token = parts.settings.metrics_token
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if token is not None and compare_digest(given.encode(), token.get_secret_value().encode()):
        return True
    return request.client is not None and ip_address(request.client.host).is_loopback


async def _reports(parts: Parts) -> list[Reported]:
    async with parts.queries.connection() as connection:
        return await list_reports(connection)
