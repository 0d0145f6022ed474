"""Four eyes: nobody approves, pays or reviews their own request, and what is large needs two people (CONTRACT, Users).

A person is a user's id, whatever tokens, roles or keys they come with. Who counts as large is not decided here.
"""

from dataclasses import dataclass
from typing import ClassVar

from domain.errors import Forbidden
from domain.ids import is_id


@dataclass(kw_only=True, eq=False)
class SelfApproval(Forbidden):
    """Whoever asked for something, or proposed it, wants to decide on it."""

    code: ClassVar[str] = "self_approval"
    sentence: ClassVar[str] = "Nobody approves, pays or reviews their own request."


@dataclass(kw_only=True, eq=False)
class SecondPersonNeeded(Forbidden):
    """It takes two users who can be told apart; whoever works at the command line may be either of them."""

    code: ClassVar[str] = "second_person_needed"
    sentence: ClassVar[str] = "This needs two people: one user proposes it and another approves it."


def require_other(by: str, *involved: str) -> None:
    """Raise `SelfApproval` where `by` is one of those whose request it is."""
    if by in involved:
        raise SelfApproval


def require_user(by: str) -> None:
    """Raise `SecondPersonNeeded` where `by` is no user, so that nobody can tell who it is."""
    if not is_id(by):
        raise SecondPersonNeeded
