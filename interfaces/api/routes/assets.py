"""The registered assets."""

from fastapi import APIRouter, Response

from interfaces.api.ask import Asked, answer
from interfaces.api.documented import QUERY, problems
from interfaces.api.fields import Shown
from interfaces.api.pages import Cursor, Limit, shown
from interfaces.api.strict_json import StrictRoute
from projections import assets

router = APIRouter(route_class=StrictRoute, prefix="/api/v1", tags=["assets"])


class ShownAsset(Shown):
    """An asset and how many decimals it has in each realm."""

    asset: str
    company_scale: int
    memo_scale: int
    portfolio_scale: int


class AssetPage(Shown):
    """A page of assets."""

    items: list[ShownAsset]
    next_cursor: str | None


@router.get("/assets", operation_id="list_assets", response_model=AssetPage, responses=problems(*QUERY))
async def list_assets(ask: Asked, limit: Limit = 100, cursor: Cursor = None) -> Response:
    """List the registered assets by their codes."""
    async with ask.reading(assets.NAME) as connection:
        page = await assets.list_assets(connection, limit=limit, cursor=cursor)
    return answer(shown(page), page.log_position)
