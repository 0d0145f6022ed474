"""The worker's role `finance`: builds now and then, each in a process of its own, so that no role waits for dbt.

What a build found is its own affair; one that failed stops the role for a while, which health and metrics show.
"""

import asyncio
import contextlib
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from interfaces.finance.last import Built, last_build
from interfaces.postgres.connections import Pool

log = structlog.get_logger()

_LOOK_S = 5.0


class BuildFailed(Exception):
    """A build ended with findings, or could not run; the message says what it said last."""


class FinanceBuilds:
    """Builds whenever the last build is older than `every` and there is something new; the first after `every`."""

    def __init__(self, source: Pool, *, data: Path, every: timedelta) -> None:
        self._source = source
        self._data = data
        self._every = every
        self._began = datetime.now(UTC)
        self.log_position = 0

    async def run(self) -> None:
        """Build when it is time, for ever. Raises `BuildFailed`."""
        while True:
            built, head = await self._standing()
            last = self._began if built is None else max(built.finished_at, self._began)
            self.log_position = 0 if built is None else built.log_position
            is_due = datetime.now(UTC) - last >= self._every
            if is_due and (built is None or built.log_position < head):
                await self._build()
            await asyncio.sleep(min(_LOOK_S, self._every.total_seconds()))

    async def _standing(self) -> tuple[Built | None, int]:
        async with self._source.connection() as connection:
            row = await (await connection.execute("SELECT max(notification_id) FROM log.events")).fetchone()
            return await last_build(connection), 0 if row is None or row[0] is None else int(row[0])

    async def _build(self) -> None:
        command = (sys.executable, "-m", "interfaces.cli.main", "finance", "build", "--json", "--data", str(self._data))
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
        )
        try:
            said, errors = await process.communicate()
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        self._began = datetime.now(UTC)
        if process.returncode:
            raise BuildFailed(f"exit status {process.returncode}: {_reason(said, errors)}")
        log.info("finance.built", log_position=json.loads(said)["log_position"])


def _reason(said: bytes, errors: bytes) -> str:
    """Return the names of what failed, or the last line of what was said."""
    with contextlib.suppress(ValueError, KeyError):
        return ", ".join(finding["name"] for finding in json.loads(said)["findings"])
    lines = errors.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "nothing was said"
