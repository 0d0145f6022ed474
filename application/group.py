"""A group on its way to `log.append()`: each job is decided on committed states plus its predecessors' changes."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial

import structlog
from pydantic_core import to_json

from application.codec import encode, event_id_of
from application.commands import Command, Done, KeyReused, Refusal
from application.currency import Leaves
from application.log import Receipt
from application.store import Appended, Group
from application.work import Versioned, Work
from domain.errors import DomainError, Refused

log = structlog.get_logger()

Answer = Callable[[], None]
Outcome = Mapping[str, object]


@dataclass(slots=True)
class Job:
    """A submitted command, its caller's future, and the register of running commands it stays in until it is done."""

    command: Command
    future: asyncio.Future[Done]
    running: dict[str, "Job"]

    def answer(self, done: Done) -> None:
        """Answer the caller, who may have gone away, and whoever joined."""
        self.running.pop(self.command.envelope.command_id, None)
        self.abandon()
        if not self.future.done():
            self.future.set_result(done)

    def answer_from(self, receipt: Receipt) -> None:
        """Answer from the receipt of the same request, which was done before; the key of another one is refused."""
        if receipt.input_hash == self.command.envelope.input_hash:
            self.answer(Done(receipt=receipt, replayed=True))
        else:
            self.fail(KeyReused(key=self.command.envelope.key))

    def withdraw(self) -> None:
        """Give up a command whose caller went away before it was queued; whoever joined it asks anew."""
        self.running.pop(self.command.envelope.command_id, None)
        self.future.cancel()

    def abandon(self) -> None:
        """Go on without the caller, who went away; whoever joined the command still waits for its outcome."""
        if self.future.cancelled():
            self.future = self.future.get_loop().create_future()

    def fail(self, error: BaseException) -> None:
        """Tell the caller of an error that leaves no receipt."""
        self.running.pop(self.command.envelope.command_id, None)
        self.abandon()
        if not self.future.done():
            self.future.set_exception(error)
            self.future.exception()  # the caller may have gone away: nobody else will look at it


@dataclass(slots=True)
class Prepared:
    """A decided group: what to append, what the streams will be afterwards, and what to tell whom."""

    jobs: list[Job] = field(default_factory=list)
    group: Group = field(default_factory=Group)
    weight: int = 0
    changes: dict[str, Versioned] = field(default_factory=dict)
    _states: dict[str, Versioned] = field(default_factory=dict)
    _outcomes: list[tuple[Job, Outcome]] = field(default_factory=list)
    _failed: list[tuple[Job, Exception]] = field(default_factory=list)

    def decide(self, job: Job, states: Mapping[str, Versioned]) -> None:
        """Decide one more job. `states` holds what it reads, as of before the group."""
        self.jobs.append(job)
        self.weight += job.command.weight
        for stream in job.command.reads:
            if stream not in self._states:
                entry = states[stream]
                self._states[stream] = entry
                self.group.place(stream, entry.version)
        try:
            outcome, work = self._outcome_of(job.command)
            encoded = [encode(written.event) for written in work.written]
            answer = to_json(outcome).decode()
        except DomainError as error:
            self._failed.append((job, error))
            return
        except Exception as error:  # a bug in one command must not take its neighbours with it
            log.exception("command.broken", command=job.command.name)
            self._failed.append((job, error))
            return
        self._states.update(work.changes)
        self.changes.update(work.changes)
        self._outcomes.append((job, outcome))
        envelope = job.command.envelope
        for index, (written, (name, state)) in enumerate(zip(work.written, encoded, strict=True), start=1):
            place = self.group.place(written.stream, written.version)
            event_id = event_id_of(written.event, envelope.command_id, index)
            self.group.add_event(event_id, place, name=name, state=state)
        self.group.end_command(envelope, name=job.command.name, answer=answer)

    @property
    def leaves(self) -> Leaves:
        """The versions that streams will have when the group has been appended; None for those written without one."""
        leaves = dict(zip(self.group.streams, self.group.versions, strict=True))
        leaves.update((stream, entry.version) for stream, entry in self.changes.items())
        return leaves

    def _outcome_of(self, command: Command) -> tuple[Outcome, Work]:
        """Run the rules; a refusal by state is an outcome and leaves nothing of what was done before it."""
        work = Work(self._states)
        try:
            return {"outcome": "done", "body": command.decide(work)}, work
        except Refused as error:
            return {"outcome": "refused", **asdict(Refusal.of(error))}, Work(self._states)

    def answers(self, appended: Appended) -> Iterator[Answer]:
        """Return what is to be told to every caller of a committed group, one call each."""
        before, number, recorded_at = appended.head, appended.receipt, appended.recorded_at
        assert recorded_at is not None
        for (job, outcome), end in zip(self._outcomes, self.group.ends, strict=True):
            number += 1
            last = appended.head + end
            envelope = job.command.envelope
            receipt = Receipt(
                number=number,
                command_id=envelope.command_id,
                tenant=envelope.tenant,
                actor=envelope.actor,
                key=envelope.key,
                input_hash=envelope.input_hash,
                name=job.command.name,
                first_log_position=before + 1 if before < last else None,
                last_log_position=last if before < last else None,
                answer=outcome,
                recorded_at=recorded_at,
            )
            before = last
            yield partial(job.answer, Done(receipt=receipt))
        for failed, error in self._failed:
            yield partial(failed.fail, error)
