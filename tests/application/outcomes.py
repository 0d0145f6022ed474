"""What became of commands, in one word each, and commands that meet every fate there is."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from application.commands import Body, Command, Done
from application.committer import Committer
from application.work import Work
from domain.errors import DomainError, Forbidden, Invalid, NotFound, Refused
from tests.application.world import BOOK, command


@dataclass(kw_only=True, eq=False)
class TooLittle(Refused):
    code: ClassVar[str] = "too_little"


@dataclass(kw_only=True, eq=False)
class Malformed(Invalid):
    code: ClassVar[str] = "malformed"


@dataclass(kw_only=True, eq=False)
class Missing(NotFound):
    code: ClassVar[str] = "missing"


@dataclass(kw_only=True, eq=False)
class NotYours(Forbidden):
    code: ClassVar[str] = "not_yours"


async def together(committer: Committer, *commands: Command) -> list[Done | BaseException]:
    """Submit commands at once; return what became of each."""
    return await asyncio.gather(*(committer.submit(one) for one in commands), return_exceptions=True)


def words(answers: list[Done | BaseException]) -> list[str]:
    """Return `done`, the code of a refusal, or the class of an error, for each answer."""
    return [_word(answer) for answer in answers]


def _word(answer: Done | BaseException) -> str:
    if not isinstance(answer, Done):
        return type(answer).__name__
    return str(answer.receipt.answer["code"]) if answer.refused else "done"


def raising(key: str, error: DomainError | Exception, *, after: Callable[[Work], Body] | None = None) -> Command:
    """Return a command on the user's book whose rule fails, maybe after it has done something."""

    def decide(work: Work) -> Body:
        if after is not None:
            after(work)
        raise error

    return command(key, BOOK, decide=decide)


def answering(key: str, body: Body) -> Command:
    """Return a command on the user's book that has nothing to do and answers a body."""
    return command(key, BOOK, decide=lambda _: body)
