"""Proofs of who somebody is, wherever they are asked for: every attempt counts as failed until it has succeeded."""

from dataclasses import dataclass, field
from http import HTTPStatus

from fastapi import Request

from domain.ids import SubjectId
from interfaces.api.ask import Ask
from interfaces.api.parts import Parts
from interfaces.api.problems import Problem

_EMAIL = "email"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Who somebody says they are, and from where."""

    tenant: str
    email: str
    password: str = field(repr=False)
    address: str


def address_of(request: Request) -> str:
    """Return the network address a request comes from."""
    return request.client.host if request.client else "unknown"


def wrong_credentials() -> Problem:
    """Return the problem of a login that fails; which of both is wrong is nobody's business."""
    return Problem(HTTPStatus.UNAUTHORIZED, "wrong_credentials", "E-mail or password is wrong.")


async def prove_password(parts: Parts, claim: Claim) -> SubjectId:
    """Return whose password it is. Raises `LoginLocked`, or a `Problem` with status 401 or 429."""
    tenant, email = claim.tenant, claim.email
    await parts.sessions.admit_login(tenant, email, claim.address)
    subject = await parts.vault.find_subject_by_email(tenant, email)
    stored = None if subject is None else await parts.vault.get_password_hash(tenant, subject)
    if not await parts.passwords.check(claim.password, stored) or subject is None:
        raise wrong_credentials()
    await parts.sessions.forgive_logins(tenant, email, claim.address)
    return subject


async def prove_own_password(ask: Ask, password: str) -> None:
    """Prove that the caller knows their own password. Raises as `prove_password`."""
    caller, subject = ask.caller, SubjectId(ask.caller.user)
    email = (await ask.parts.vault.get_fields(caller.tenant, _EMAIL, [subject])).get(subject)
    if email is None:
        raise wrong_credentials()
    claim = Claim(tenant=caller.tenant, email=email, password=password, address=address_of(ask.request))
    if await prove_password(ask.parts, claim) != subject:
        raise wrong_credentials()
