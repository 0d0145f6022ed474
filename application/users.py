"""Use cases of users: register, activate, suspend, set roles. Personal data is in the vault before a command comes."""

from application import streams
from application.actors import actor_streams, require_actor
from application.commands import Body, Command, Envelope
from application.work import Work
from domain.claims import EmailClaimed
from domain.ids import UserId
from domain.tenants import Tenant, UnknownTenant
from domain.users import (
    ActivateUser,
    ConfirmSecondFactor,
    EndSessions,
    LinkIdentity,
    OwnChange,
    RegisterUser,
    RemoveSecondFactor,
    ResetSecondFactor,
    SetRoles,
    SuspendUser,
    UnlinkIdentity,
    VerifyEmail,
)

_CHANGES = {
    ActivateUser: "activate_user",
    SuspendUser: "suspend_user",
    SetRoles: "set_roles",
    ResetSecondFactor: "reset_second_factor",
}
_OWN_CHANGES = {
    ConfirmSecondFactor: "confirm_second_factor",
    RemoveSecondFactor: "remove_second_factor",
    EndSessions: "end_sessions",
    LinkIdentity: "link_identity",
    UnlinkIdentity: "unlink_identity",
}


def register_user(envelope: Envelope, user: RegisterUser, *, email_hmac: str, is_verified: bool = False) -> Command:
    """Return the command that registers a user under an e-mail address that nobody else of the tenant has.

    `is_verified` says that somebody who can be believed has verified that the address is the user's.
    """
    tenant = streams.tenant(envelope.tenant)
    email = streams.email(envelope.tenant, email_hmac)
    stream = streams.user(envelope.tenant, user.user)

    def decide(work: Work) -> Body:
        if not isinstance(work.state(tenant), Tenant):
            raise UnknownTenant(name=envelope.tenant)
        work.run(email, EmailClaimed(user=user.user))
        work.run(stream, user)
        if is_verified:
            work.run(stream, VerifyEmail(user=user.user))
        return {"id": user.user, "status": user.status.value}

    return Command(name="register_user", envelope=envelope, reads=(tenant, email, stream), decide=decide)


def change_user(envelope: Envelope, change: ActivateUser | SuspendUser | SetRoles | ResetSecondFactor) -> Command:
    """Return the command by which an administrator changes a user's status or roles, or ends a lost second factor."""
    stream = streams.user(envelope.tenant, change.user)

    def decide(work: Work) -> Body:
        require_actor(work, envelope)
        work.run(stream, change)
        user = work.state(stream)
        return {"id": user.user, "status": user.status.value, "roles": [role.value for role in user.roles]}

    reads = (stream, *(actor for actor in actor_streams(envelope) if actor != stream))
    return Command(name=_CHANGES[type(change)], envelope=envelope, reads=reads, decide=decide)


def change_own(envelope: Envelope, change: OwnChange) -> Command:
    """Return the command that says what a user did to the own ways to log in; proofs were checked before."""
    stream = streams.user(envelope.tenant, change.user)

    def decide(work: Work) -> Body:
        work.run(stream, change)
        return {"id": change.user}

    return Command(name=_OWN_CHANGES[type(change)], envelope=envelope, reads=(stream,), decide=decide)


def verify_email(envelope: Envelope, user: UserId) -> Command:
    """Return the command that says that a user holds the address; the proof was checked before."""
    stream = streams.user(envelope.tenant, user)

    def decide(work: Work) -> Body:
        work.run(stream, VerifyEmail(user=user))
        return {"id": user}

    return Command(name="verify_email", envelope=envelope, reads=(stream,), decide=decide)
