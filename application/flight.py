"""A group on its way to the log. Two may be under way on two connections, and the second may get there first."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from application.currency import Leaves
from application.group import Prepared
from application.session import Session
from application.store import Appended, append


@dataclass(slots=True)
class Flight:
    """`landed` is called whenever an answer has come."""

    prepared: Prepared
    session: Session
    landed: Callable[[], None]
    leaves: Leaves = field(init=False)
    appending: asyncio.Task[Appended] = field(init=False)
    _again: bool = False

    def __post_init__(self) -> None:
        self.leaves = self.prepared.leaves
        self._send()

    def came_too_early(self, last_command: str | None) -> bool:
        """Send it once more, as it is, if all it lacked was that the group before it had not been appended yet.

        That one has been by now: `last_command` is its last. Return whether it was sent.
        """
        group = self.prepared.group
        refused = not self.appending.exception() and self.appending.result().outcome == "moved"
        if self._again or not (refused and group.strictly and group.after == last_command):
            return False
        self._again = True
        self._send()
        return True

    def _send(self) -> None:
        self.appending = asyncio.create_task(append(self.session.connection, self.prepared.group))
        self.appending.add_done_callback(lambda _: self.landed())
