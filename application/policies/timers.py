"""What is due: the clock says so (run_timers), and the policy `timers` does what was to be done then."""

import asyncio
from datetime import datetime
from typing import Any, assert_never

from application.codec import decode
from application.commands import Command, Envelope
from application.committer import Committer
from application.ids import derive, namespace
from application.log import Recorded
from application.policies.runner import Submit
from application.ports import Clock
from application.proposals import expire_proposal
from application.store import Store
from application.timers import end_timer
from domain.ids import ProposalId
from domain.timers import TimerDue, TimerKind, TimerSet

NAME = "timers"
TICK_S = 1.0
SCAN = 50_000
_TIMERS = namespace("policy-timers")
_EVENTS = ("timer.set.v1", "timer.due.v1")


async def run_timers(committer: Committer, store: Store, clock: Clock) -> None:
    """Say of every timer that it is due, for ever. What is pending is read from the log when the clock starts."""
    pending: dict[str, datetime] = {}
    seen = 0
    while True:
        while (batch := await store.read_named(seen, _EVENTS, limit=SCAN)).end > seen:
            seen = batch.end
            for recorded in batch.events:
                event = decode(recorded.name, recorded.state)
                if isinstance(event, TimerSet):
                    pending[recorded.stream] = event.due_at
                else:
                    pending.pop(recorded.stream, None)
        now = clock.now()
        for stream in [stream for stream, due_at in pending.items() if due_at <= now]:
            (await committer.submit(end_timer(stream, now))).accepted()
            del pending[stream]
        await asyncio.sleep(TICK_S)


class TimersPolicy:
    """Reacts to what is due. A thing that was done meanwhile is nothing to do."""

    name = NAME
    handles = frozenset({"timer.due.v1"})
    first_log_position = 1

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def react(self, recorded: Recorded, event: Any, submit: Submit) -> None:
        """Do what the timer was set for."""
        assert isinstance(event, TimerDue)
        await submit(self._command(recorded, event))

    def _command(self, recorded: Recorded, event: TimerDue) -> Command:
        command_id = derive(_TIMERS, recorded.event_id)
        envelope = Envelope(
            tenant=recorded.tenant,
            actor=f"policy:{NAME}",
            command_id=command_id,
            key=command_id,
            input_hash=command_id * 2,
            correlation_id=recorded.correlation_id,
            causation_id=recorded.event_id,
            now=self._clock.now(),
        )
        match event.kind:
            case TimerKind.PROPOSAL:
                return expire_proposal(envelope, ProposalId(event.subject))
            case _:
                assert_never(event.kind)
