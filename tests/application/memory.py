"""Use cases without a database: given these commands, when this one, then these events and streams, or an error."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from application.commands import Body, Command
from application.deciders import decider_of
from application.work import Versioned, Work
from domain.errors import DomainError


@dataclass
class Memory:
    """A log in memory: the states of its streams, and the events as they were appended."""

    states: dict[str, Versioned] = field(default_factory=dict)
    appended: list[tuple[str, Any]] = field(default_factory=list)

    def state(self, stream: str) -> Any:  # noqa: ANN401 – states of every subject meet here
        return self._versioned(stream).state

    def submit(self, command: Command) -> tuple[Body, list[tuple[str, Any]]]:
        """Decide a command on what it reads, and nothing else; append its events if no rule is broken."""
        work = Work({stream: self._versioned(stream) for stream in command.reads})
        body = command.decide(work)
        written = [(stream, event) for stream, _, event in work.written]
        for stream, event in written:
            version, state = self._versioned(stream)
            self.states[stream] = Versioned(version + 1, decider_of(stream).evolve(state, event))
        for stream, version in ((stream, version) for stream, version, _ in work.written if version is not None):
            assert version <= self.states[stream].version
        self.appended += written
        return body, written

    def given(self, *commands: Command) -> "Memory":
        for command in commands:
            self.submit(command)
        return self

    def when(self, command: Command) -> "When":
        return When(self, command)

    def _versioned(self, stream: str) -> Versioned:
        return self.states.get(stream) or Versioned(0, decider_of(stream).initial)


@dataclass
class When:
    memory: Memory
    command: Command

    def then(self, *expected: tuple[str, object]) -> Body:
        """Expect exactly these (stream, event) in one append; return the body of the answer."""
        body, written = self.memory.submit(self.command)
        assert written == list(expected)
        return body

    def answers(self, **body: object) -> None:
        """Expect an answer that holds this much."""
        answer, _ = self.memory.submit(self.command)
        assert {name: answer[name] for name in body} == body

    def appends(self, *kinds: type) -> list[Any]:
        """Expect events of these classes in one append; return them."""
        _, written = self.memory.submit(self.command)
        events = [event for _, event in written]
        assert [type(event) for event in events] == list(kinds)
        return events

    def nothing(self) -> None:
        _, written = self.memory.submit(self.command)
        assert written == []

    def raises(self, error: type[DomainError], *, at: Iterable[str | int] = (), **data: object) -> None:
        """Expect a broken rule, with this path and these numbers, that leaves nothing behind."""
        before = len(self.memory.appended), dict(self.memory.states)
        with pytest.raises(error) as raised:
            self.memory.submit(self.command)
        assert tuple(raised.value.at) == tuple(at)
        assert {name: raised.value.data[name] for name in data} == data
        assert (len(self.memory.appended), self.memory.states) == before
