"""Timers: a use case sets one in its own append; the clock writes down when it is due (policies/clock.py)."""

from datetime import datetime

from application import streams
from application.commands import Body, Command, Envelope
from application.ids import derive, namespace
from application.work import Work
from domain.timers import EndTimer, SetTimer, TimerKind

CLOCK = "clock"
_TIMERS = namespace("timers")


def timer_of(tenant: str, kind: TimerKind, subject: str) -> str:
    """Return the stream of a timer; it must be among the reads of who sets it."""
    return streams.timer(tenant, derive(_TIMERS, tenant, kind, subject))


def set_timer(work: Work, tenant: str, kind: TimerKind, *, subject: str, due_at: datetime) -> None:
    """Let something be due at an instant. Setting it again changes nothing."""
    work.run(timer_of(tenant, kind, subject), SetTimer(kind=kind, subject=subject, due_at=due_at))


def end_timer(stream: str, now: datetime) -> Command:
    """Return the command by which the clock says that a timer is due; its id is the timer's, so it is said once."""
    tenant, timer = streams.tenant_of(stream), streams.id_of(stream)
    command_id = derive(_TIMERS, tenant, timer, "due")
    envelope = Envelope(
        tenant=tenant,
        actor=CLOCK,
        command_id=command_id,
        key=command_id,
        input_hash=command_id * 2,
        correlation_id=command_id,
        now=now,
    )

    def decide(work: Work) -> Body:
        return {"due": len(work.run(stream, EndTimer(now=now)))}

    return Command(name="end_timer", envelope=envelope, reads=(stream,), decide=decide)
