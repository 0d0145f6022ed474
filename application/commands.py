"""A command on its way through the committer, and what became of it.

A command names the streams it reads or writes and how it is decided; the committer does the rest. `decide` must be
pure: it may run several times, and never calls a port.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from application.log import Receipt
from domain.errors import DomainError, Invalid

if TYPE_CHECKING:
    from application.work import Work

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Who asks, when, because of what, and under which idempotency key.

    `key` is the caller's, or the command's own id where none was sent; `input_hash` is 64 hexadecimal digits; `now`
    is the command's time. `actor` is a user's id, or names a policy or an operator at the command line
    (`cli:<user>`).
    """

    tenant: str
    actor: str
    command_id: str
    key: str
    input_hash: str
    correlation_id: str
    now: datetime
    causation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What a caller submits: an envelope, the streams it reads or writes, and how it is decided.

    `decide` runs the rules on `Work` and returns the body of the answer, in JSON values. `weight` is about how many
    events it makes, so that a group stays bounded.
    """

    name: str
    envelope: Envelope
    reads: tuple[str, ...]
    decide: Callable[["Work"], Body]
    weight: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A command that left a receipt: accepted, accepted with nothing to do, or refused by state."""

    receipt: Receipt
    replayed: bool = False

    @property
    def refused(self) -> bool:
        """Whether the answer is a refusal."""
        return bool(self.receipt.answer["outcome"] == "refused")

    @property
    def body(self) -> Body:
        """The body of an accepted command's answer."""
        body: Body = self.receipt.answer["body"]
        return body

    def accepted(self) -> Body:
        """Return the body; raise `CommandRefused` where the answer is a refusal."""
        if self.refused:
            raise CommandRefused(done=self)
        return self.body


@dataclass(kw_only=True, eq=False)
class CommandRefused(Exception):
    """A refusal by state. It is as final as a success: the receipt holds the code and the numbers that led to it."""

    done: Done

    def __str__(self) -> str:
        return str(self.done.receipt.answer["detail"])


@dataclass(kw_only=True, eq=False)
class KeyReused(Invalid):
    """The idempotency key belongs to another request of the same actor (CONTRACT, Idempotency)."""

    code = "idempotency_key_reused"
    key: str


class CommitterError(Exception):
    """A command whose fate the caller must learn by asking again with the same key."""


class QueueFull(CommitterError):
    """More commands wait than the process may hold; nothing was done."""


class StillRunning(CommitterError):
    """An equal request is still running after the time a second caller waits for it."""


class Stopped(CommitterError):
    """The committer has stopped; whether the command was done is unknown."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The stored form of a refusal."""

    code: str
    detail: str
    data: Mapping[str, Any] = field(default_factory=dict)
    at: tuple[str | int, ...] = ()

    @classmethod
    def of(cls, error: DomainError) -> "Refusal":
        """Take the code, the sentence and the numbers from the broken rule."""
        return cls(error.code, str(error), error.data, error.at)
