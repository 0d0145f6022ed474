"""Proofs of who somebody is, wherever they are asked for: every attempt counts as failed until it has succeeded."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated

from fastapi import Request
from pydantic import Field

from domain.ids import SubjectId
from interfaces.api.ask import Ask
from interfaces.api.one_time import step_of
from interfaces.api.parts import Parts
from interfaces.api.problems import Problem

_EMAIL = "email"
_FACTOR = "second factor"
"""Stands for every network address: codes are short, so guesses at somebody's are counted wherever they come from."""

FactorCode = Annotated[str, Field(min_length=6, max_length=32, pattern=r"^[A-Za-z0-9 -]+$", examples=["123456"])]
"""A one-time code, or a backup code."""


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


async def prove_again(ask: Ask, *, password: str | None, code: str | None) -> None:
    """Prove that it is the caller: with a code for whoever has a second factor, with the password for anybody else.

    Raises `LoginLocked`, or a `Problem` with status 401.
    """
    parts, tenant, subject = ask.parts, ask.caller.tenant, SubjectId(ask.caller.user)
    factor = await parts.factors.get_factor(tenant, subject)
    if factor is not None and factor.is_confirmed:
        await require_factor(parts, tenant, subject, code=code)
    elif password is None:
        raise Problem(HTTPStatus.UNAUTHORIZED, "no_second_factor", "There is no second factor: give the password.")
    else:
        await prove_own_password(ask, password)


async def require_factor(parts: Parts, tenant: str, subject: SubjectId, *, code: str | None) -> None:
    """Ask for a second factor from whoever has one. Raises `LoginLocked`, or a `Problem` with status 401."""
    factor = await parts.factors.get_factor(tenant, subject)
    if factor is None or not factor.is_confirmed:
        return
    if code is None:
        raise Problem(
            HTTPStatus.UNAUTHORIZED, "second_factor_required", "A one-time code, or a backup code, is needed."
        )
    await prove_factor(parts, tenant, subject, code=code)


async def prove_factor(parts: Parts, tenant: str, subject: SubjectId, *, code: str) -> None:
    """Use a code up. Raises `LoginLocked`, or a `Problem` with status 401 for one that is wrong or was used before."""
    await parts.sessions.admit_login(tenant, subject, _FACTOR)
    factor = await parts.factors.get_factor(tenant, subject)
    step = None if factor is None else step_of(factor.secret, code, parts.clock.now())
    is_good = (
        await parts.factors.use_backup_code(tenant, subject, code)
        if step is None
        else await parts.factors.use_step(tenant, subject, step)
    )
    if not is_good:
        raise Problem(HTTPStatus.UNAUTHORIZED, "wrong_second_factor", "The code is wrong, too old, or used already.")
    await parts.sessions.forgive_logins(tenant, subject, _FACTOR)
