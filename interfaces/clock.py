"""The machine's time, behind the port `clock`."""

from datetime import UTC, datetime


class SystemClock:
    """The port `Clock` (application/ports.py)."""

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        return datetime.now(UTC)
