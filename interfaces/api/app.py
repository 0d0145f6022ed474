"""The application: routers, problems and documentation put together. What it needs comes from bootstrap.py."""

from fastapi import FastAPI, Request, Response

from interfaces.api import problems
from interfaces.api.middleware import Requests
from interfaces.api.parts import Parts
from interfaces.api.reference import as_page
from interfaces.api.routes import assets, balances, connections, health, me, orders, sessions, users
from interfaces.api.routes.ledger import accounts, entries, trial_balance

_ROUTERS = (
    sessions.router,
    me.router,
    assets.router,
    entries.router,
    accounts.router,
    trial_balance.router,
    balances.router,
    connections.router,
    orders.router,
    users.router,
    health.router,
)


def build_app(parts: Parts) -> FastAPI:
    """Return the application over its parts."""
    app = FastAPI(
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
    app.add_api_route("/docs", _docs, operation_id="docs", tags=["operations"], response_class=Response)
    app.add_middleware(Requests)
    return app


async def _docs(request: Request) -> Response:
    """Show every operation on one page; it needs nothing from elsewhere."""
    return Response(as_page(request.app.openapi()), media_type="text/html")
