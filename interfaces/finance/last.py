"""The last complete build: which log position it stands for, when it ended, and what its checks found."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from application.store import Connection

_LAST = """
    SELECT log_position, known_at, is_full, finished_at, tests, failures
    FROM finance.builds ORDER BY number DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A build whose models are complete; `tests` is None where nothing was checked."""

    log_position: int
    known_at: datetime | None
    is_full: bool
    finished_at: datetime
    tests: int | None
    failures: int | None

    @property
    def is_sound(self) -> bool:
        """Whether it was checked and every check held."""
        return self.failures == 0


async def last_build(connection: Connection) -> Built | None:
    """Return the last complete build; None where there is none."""
    async with connection.cursor(row_factory=class_row(Built)) as cursor:
        return await (await cursor.execute(_LAST)).fetchone()
