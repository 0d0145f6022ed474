"""Given these events, when this command, then these events, this error, or nothing: the form of a decider's test."""

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from domain.errors import DomainError


@dataclass(frozen=True)
class When:
    decider: ModuleType
    state: Any
    command: object

    def then(self, *events: object) -> None:
        assert self.decider.decide(self.state, self.command) == events

    def nothing(self) -> None:
        assert self.decider.decide(self.state, self.command) == ()

    def raises(self, error: type[DomainError], **data: object) -> None:
        with pytest.raises(error) as raised:
            self.decider.decide(self.state, self.command)
        assert {name: raised.value.data[name] for name in data} == data


@dataclass(frozen=True)
class Given:
    decider: ModuleType
    state: Any

    def when(self, command: object) -> When:
        return When(self.decider, self.state, command)


def given(decider: ModuleType, *events: object) -> Given:
    """Fold the events into the decider's state."""
    state = decider.INITIAL
    for event in events:
        state = decider.evolve(state, event)
    return Given(decider, state)


def after(decider: ModuleType, *commands: object) -> Given:
    """Run commands one after the other and return what they lead to."""
    state = decider.INITIAL
    for command in commands:
        for event in decider.decide(state, command):
            state = decider.evolve(state, event)
    return Given(decider, state)
