"""The application: routers, problems and documentation put together. What it needs comes from bootstrap.py."""

from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.types import ASGIApp

from interfaces.api import problems
from interfaces.api.deprecated import ALIASES
from interfaces.api.documented import ProblemBody
from interfaces.api.middleware import Requests
from interfaces.api.parts import Parts
from interfaces.api.reference import as_page
from interfaces.api.routes import (
    api_keys,
    assets,
    balances,
    connections,
    deposits,
    destinations,
    finance,
    health,
    identities,
    me,
    orders,
    people,
    proofs,
    proposals,
    quotes,
    refunds,
    second_factor,
    sessions,
    statements,
    step_up,
    transfers,
    users,
    webhooks,
    withdrawals,
)
from interfaces.api.routes.admin import funding, payout_files, receivables
from interfaces.api.routes.admin import projections as admin_projections
from interfaces.api.routes.admin import withdrawals as admin_withdrawals
from interfaces.api.routes.audit import events, explain, verifications
from interfaces.api.routes.ledger import accounts, entries, trial_balance
from interfaces.api.scopes import SCOPES
from interfaces.api.signed import AS_OPENAPI

_ROUTERS = (
    # Routers are asked in this order whose a path is: what is asked most comes first.
    entries.router,
    balances.router,
    orders.router,
    sessions.router,
    step_up.router,
    second_factor.router,
    identities.router,
    people.router,
    me.router,
    api_keys.router,
    assets.router,
    accounts.router,
    trial_balance.router,
    statements.router,
    connections.router,
    users.router,
    deposits.router,
    refunds.router,
    funding.router,
    receivables.router,
    destinations.router,
    withdrawals.router,
    admin_withdrawals.router,
    payout_files.router,
    proposals.router,
    transfers.router,
    quotes.router,
    proofs.router,
    explain.router,
    verifications.router,
    events.router,
    admin_projections.router,
    webhooks.router,
    finance.router,
    health.router,
)


class Api(FastAPI):
    """FastAPI whose document also describes problems, which no route returns as a model."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        if self.openapi_schema is None:
            document = super().openapi()
            problem = ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
            document["components"]["schemas"] |= problem.pop("$defs") | {ProblemBody.__name__: problem}
            _add_keys(document)
        assert self.openapi_schema is not None
        return self.openapi_schema


def build_app(parts: Parts) -> ASGIApp:
    """Return the application over its parts."""
    app = Api(
        title="Lastro",
        version="1",
        description="A trading platform whose every number can be explained, replayed and proven.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
    )
    app.state.parts = parts
    problems.install(app)
    for router in _ROUTERS:
        app.include_router(router)
    _add_aliases(app)
    app.add_api_route("/docs", _docs, operation_id="docs", tags=["operations"], response_class=Response)
    return Requests(app, head=lambda: parts.committer.head, origins=parts.settings.cors_origins)


def _add_aliases(app: FastAPI) -> None:
    """Let the paths of the first specification run the handlers of their operations."""
    routes = (route for router in _ROUTERS for route in router.routes if isinstance(route, APIRoute))
    by_operation = {route.operation_id: route for route in routes}
    for name, alias in ALIASES.items():
        route = by_operation[alias.operation]
        aliases = APIRouter(route_class=type(route), tags=["deprecated"])
        aliases.add_api_route(
            alias.path,
            route.endpoint,
            methods=sorted(route.methods or ()),
            operation_id=name,
            status_code=route.status_code,
            response_model=route.response_model,
            responses=route.responses,
            deprecated=True,
            openapi_extra={"x-successor": route.path},
        )
        app.include_router(aliases)


def _add_keys(document: dict[str, Any]) -> None:
    """Say which operations may be signed with an API key instead of bearing a token."""
    document["components"]["securitySchemes"]["api_key"] = AS_OPENAPI
    for operations in document["paths"].values():
        for operation in operations.values():
            if operation["operationId"] in SCOPES:
                operation["security"].append({"api_key": []})


async def _docs(request: Request) -> Response:
    """Show every operation on one page; it needs nothing from elsewhere."""
    return Response(as_page(request.app.openapi()), media_type="text/html")
