"""A policy's command that state refused: an outcome, written down once, so that somebody can see it and act."""

from dataclasses import replace

from application.commands import Body, Command, Done
from application.ids import derive, namespace
from application.log import Recorded
from application.streams import refusal
from application.work import Work
from domain.refusals import RecordRefusal

_REFUSALS = namespace("policy-refusal")


def record_refusal(policy: str, *, recorded: Recorded, refused: Command, done: Done) -> Command:
    """Return the command that appends `policy.command_refused.v1` for a refused command of a policy."""
    command_id = derive(_REFUSALS, refused.envelope.command_id)
    stream = refusal(refused.envelope.tenant, refused.envelope.command_id)
    fact = RecordRefusal(
        policy=policy, event=recorded.event_id, command=refused.name, code=str(done.receipt.answer["code"])
    )

    def decide(work: Work) -> Body:
        work.run(stream, fact)
        return {}

    envelope = replace(
        refused.envelope,
        command_id=command_id,
        key=command_id,
        input_hash=command_id * 2,
        causation_id=recorded.event_id,
    )
    return Command(name="record_refusal", envelope=envelope, reads=(stream,), decide=decide)
