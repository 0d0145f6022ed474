"""A group on its way to `log.append()`: each job is decided on committed states plus its predecessors' changes."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import structlog
from pydantic_core import to_json

from application.codec import encode, event_id_of
from application.commands import Command, Done, Refusal
from application.log import Receipt
from application.store import Appended, Group
from application.work import Versioned, Work
from domain.errors import DomainError, Refused

log = structlog.get_logger()


@dataclass(slots=True)
class Job:
    """A queued command and the caller's future."""

    command: Command
    future: asyncio.Future[Done]

    def answer(self, done: Done) -> None:
        """Answer the caller, who may have gone away."""
        if not self.future.done():
            self.future.set_result(done)

    def fail(self, error: BaseException) -> None:
        """Tell the caller of an error that leaves no receipt."""
        if not self.future.done():
            self.future.set_exception(error)
            self.future.exception()  # the caller may have gone away: nobody else will look at it


@dataclass(slots=True)
class Prepared:
    """A decided group: what to append, what the streams will be afterwards, and what to tell whom."""

    jobs: Sequence[Job]
    group: Group
    changes: dict[str, Versioned] = field(default_factory=dict)
    outcomes: list[Mapping[str, object]] = field(default_factory=list)
    with_receipt: list[Job] = field(default_factory=list)
    failed: list[tuple[Job, Exception]] = field(default_factory=list)

    def answer(self, appended: Appended) -> None:
        """Answer every caller of a committed group."""
        position, number = appended.head, appended.receipt
        for job, size, outcome in zip(self.with_receipt, self.group.sizes, self.outcomes, strict=True):
            number += 1
            command = job.command.envelope
            receipt = Receipt(
                number=number,
                command_id=command.command_id,
                tenant=command.tenant,
                actor=command.actor,
                key=command.key,
                input_hash=command.input_hash,
                name=job.command.name,
                first_log_position=position + 1 if size else None,
                last_log_position=position + size if size else None,
                answer=outcome,
                recorded_at=appended.recorded_at,
            )
            position += size
            job.answer(Done(receipt=receipt))
        for failed, error in self.failed:
            failed.fail(error)


def prepare(jobs: Sequence[Job], states: Mapping[str, Versioned], seen_head: int) -> Prepared:
    """Decide a group on states that are committed; nothing outside the result changes."""
    prepared = Prepared(jobs, Group(seen_head=seen_head))
    prepared.group.streams = list(states)
    prepared.group.versions = [entry.version for entry in states.values()]
    current = dict(states)
    for job in jobs:
        work = Work(current)
        try:
            outcome: Mapping[str, object] = {"outcome": "done", "body": job.command.decide(work)}
        except Refused as error:
            refusal = Refusal.of(error)
            work = Work(current)
            outcome = {"outcome": "refused", **asdict(refusal)}
        except DomainError as error:
            prepared.failed.append((job, error))
            continue
        except Exception as error:  # a bug in one command must not take its neighbours with it
            log.exception("command.broken", command=job.command.name)
            prepared.failed.append((job, error))
            continue
        current.update(work.changes)
        prepared.changes.update(work.changes)
        prepared.with_receipt.append(job)
        prepared.outcomes.append(outcome)
        _add(prepared.group, job.command, work, outcome=outcome)
    return prepared


def _add(group: Group, command: Command, work: Work, *, outcome: Mapping[str, object]) -> None:
    envelope = command.envelope
    group.command_ids.append(envelope.command_id)
    group.tenants.append(envelope.tenant)
    group.actors.append(envelope.actor)
    group.keys.append(envelope.key)
    group.input_hashes.append(envelope.input_hash)
    group.names.append(command.name)
    group.answers.append(to_json(outcome).decode())
    group.correlation_ids.append(envelope.correlation_id)
    group.causation_ids.append(envelope.causation_id)
    group.sizes.append(len(work.written))
    for index, (stream, version, event) in enumerate(work.written, start=1):
        name, state = encode(event)
        group.event_ids.append(event_id_of(event, envelope.command_id, index))
        group.event_streams.append(stream)
        group.event_versions.append(version)
        group.event_names.append(name)
        group.states.append(state)
