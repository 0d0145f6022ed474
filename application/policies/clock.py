"""The worker role `clock` writes down that days have ended. Ids derive from the day, so many clocks write it once."""

import asyncio
from datetime import UTC, datetime

from application.commands import Body, Command, Envelope
from application.committer import Committer
from application.ids import derive, namespace
from application.ports import Clock
from application.streams import SYSTEM, TIME_DAYS
from application.work import Work
from domain.days import EndDays

CLOCK = "clock"
TICK_S = 1.0
_DAYS = namespace("end-days")


def end_days(now: datetime) -> Command:
    """Return the command that ends every day before `now`'s UTC day."""
    today = now.astimezone(UTC).date()
    command_id = derive(_DAYS, today.isoformat())

    def decide(work: Work) -> Body:
        return {"days": [str(event.day) for event in work.run(TIME_DAYS, EndDays(today=today))]}

    envelope = Envelope(
        tenant=SYSTEM,
        actor=CLOCK,
        command_id=command_id,
        key=command_id,
        input_hash=command_id * 2,
        correlation_id=command_id,
        now=now,
    )
    return Command(name="end_days", envelope=envelope, reads=(TIME_DAYS,), decide=decide)


async def run_clock(committer: Committer, clock: Clock) -> None:
    """Look at the clock every second, for ever; submit only when the day has changed."""
    told = None
    while True:
        now = clock.now()
        if told != now.astimezone(UTC).date():
            (await committer.submit(end_days(now))).accepted()
            told = now.astimezone(UTC).date()
        await asyncio.sleep(TICK_S)
