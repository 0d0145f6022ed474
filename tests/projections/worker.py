"""A worker process with nothing but the read models, to be killed: `python -m tests.projections.worker URLS`."""

import asyncio
import json
import sys

from interfaces.postgres.configuration import Urls
from tests.projections.house import projections_of


async def main() -> None:
    """Follow the log until killed."""
    async with projections_of(Urls(**json.loads(sys.argv[1]))):
        await asyncio.Event().wait()


asyncio.run(main())
