"""The end of all sessions of somebody: of refresh tokens in the vault, and of access tokens by a fact in the log."""

from application.commands import Envelope
from application.users import change_own
from domain.ids import SubjectId, UserId
from domain.users import EndSessions
from interfaces.api.parts import Parts


async def end_sessions(parts: Parts, envelope: Envelope, subject: SubjectId) -> None:
    """End all sessions; every API process refuses tokens from before as soon as it has read the fact."""
    await parts.sessions.close_sessions(envelope.tenant, subject)
    (await parts.committer.submit(change_own(envelope, EndSessions(user=UserId(subject))))).accepted()
