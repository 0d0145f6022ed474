"""A shared rebuild that stands still halfway, to be killed: `python -m tests.projections.rebuilder URLS`."""

import asyncio
import json
import sys

from application.store import Connection, Store, speak_hex_ids
from interfaces.folding import folding_apart
from interfaces.postgres.configuration import Urls
from interfaces.postgres.connections import connect, pool
from projections import building, parts, slices
from projections.models import PROJECTIONS
from projections.rebuild import rebuild


async def main() -> None:
    """Rebuild two models until half of the log is read, say so, and wait for the end."""
    urls = Urls(**json.loads(sys.argv[1]))

    async def to_projector() -> Connection:
        return await connect(urls.projector, name="rebuilder")

    def told(at: int, end: int) -> None:
        if 2 * at >= end:
            sys.stdout.write("half\n")
            sys.stdout.flush()
            sys.stdin.read()

    building.ROWS_PER_COPY, slices.BATCH, parts.PART, parts.WORTH_SHARING = 1, 1, 1, 1
    async with pool(urls.projector, name="rebuilder", size=1, configure=speak_hex_ids) as source:
        models = [PROJECTIONS["accounts"], PROJECTIONS["journal"]]
        with folding_apart(urls.projector) as apart:
            await rebuild(models, connect=to_projector, store=Store(source), told=told, apart=apart)


if __name__ == "__main__":
    asyncio.run(main())
