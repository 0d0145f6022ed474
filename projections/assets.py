"""The registered assets with their scales. They belong to no tenant, and every tenant sees them."""

from collections.abc import Iterator

from application.log import Recorded
from application.store import Connection
from domain.assets import AssetRegistered, Registered
from projections.changes import Append, Change
from projections.paging import page_of, read_cursor
from projections.reading import Page, fetch, log_position

NAME = "assets"
HANDLES = (AssetRegistered,)


def apply(recorded: Recorded, event: AssetRegistered) -> Iterator[Change]:
    """Write the asset down; it never changes."""
    yield Append(
        "assets",
        {
            "tenant": recorded.tenant,
            "code": event.asset,
            "company_scale": event.company_scale,
            "memo_scale": event.memo_scale,
            "portfolio_scale": event.portfolio_scale,
            "log_position": recorded.log_position,
        },
    )


_LIST = """
    SELECT code AS asset, company_scale, memo_scale, portfolio_scale FROM read.assets
    WHERE code > %(after)s ORDER BY code LIMIT %(limit)s
"""


async def list_assets(connection: Connection, *, limit: int, cursor: str | None = None) -> Page[Registered]:
    """List assets by their codes."""
    (after,) = read_cursor(cursor, "")
    position = await log_position(connection, NAME)
    found = await fetch(connection, Registered, _LIST, {"after": after, "limit": limit + 1})
    return page_of(found, limit=limit, log_position=position, cursor_of=lambda asset: (asset.asset,))
