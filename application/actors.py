"""Who acts: a user by id, an operator or a policy by name. A user must be active when a command is decided."""

from application import streams
from application.commands import Envelope
from application.work import Work
from domain.ids import is_id
from domain.users import require_active


def actor_streams(envelope: Envelope) -> tuple[str, ...]:
    """Return the streams that `require_actor` reads."""
    return (streams.user(envelope.tenant, envelope.actor),) if is_id(envelope.actor) else ()


def require_actor(work: Work, envelope: Envelope) -> None:
    """Refuse what an inactive or unknown user asks for, in the same append as everything else is decided."""
    for stream in actor_streams(envelope):
        require_active(work.state(stream), envelope.actor)
