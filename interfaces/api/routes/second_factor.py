"""The second factor: enrolled after a step-up, confirmed with a code, taken off by its owner or reset by somebody else.

The vault says whether a code is asked for; the log says since when, and who ended it. The fact is appended first, so
that a crash in between leaves something that can be done again.
"""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import Field
from pydantic_core import to_json

from application.identity_ports import FactorIsOn
from application.ports import Message
from application.users import change_own, change_user
from domain.ids import SubjectId, UserId
from domain.users import ConfirmSecondFactor, RemoveSecondFactor, ResetSecondFactor
from interfaces.api.ask import JSON, Ask, Asked, answer
from interfaces.api.credentials import FactorCode, prove_factor
from interfaces.api.documented import COMMAND, QUERY, problems
from interfaces.api.fields import Body, Id, Shown
from interfaces.api.one_time import enrol, new_backup_codes
from interfaces.api.problems import Problem
from interfaces.api.routes.users import ChangedUser
from interfaces.api.step_up import SteppedUp
from interfaces.api.strict_json import StrictRoute

router = APIRouter(route_class=StrictRoute, prefix="/api/v1", tags=["people"])

ON, OFF, RESET = "second_factor_on", "second_factor_off", "second_factor_reset"


class ShownFactor(Shown):
    """Whether a code is asked for at logins, and how many backup codes are left."""

    enabled: bool
    backup_codes_left: int


class Enrolled(Shown):
    """A secret for an authenticator, shown once: as text, as URI, and as a QR code in two data URIs."""

    secret: str
    uri: str = Field(examples=["otpauth://totp/Lastro:ana%40example.org?secret=…&issuer=Lastro"])
    qr_svg: str = Field(examples=["data:image/svg+xml;charset=utf-8,…"])
    qr_png: str = Field(examples=["data:image/png;base64,…"])


class Confirmation(Body):
    """A code of the authenticator."""

    code: Annotated[FactorCode, Field(repr=False)]


class BackupCodes(Shown):
    """Codes that are good once each, in place of the authenticator. Shown once."""

    backup_codes: list[str]


@router.get(
    "/me/second-factor", operation_id="get_second_factor", response_model=ShownFactor, responses=problems(*QUERY)
)
async def get_factor(ask: Asked) -> Response:
    """Say whether the caller has a second factor."""
    factors, tenant, subject = ask.parts.factors, ask.caller.tenant, SubjectId(ask.caller.user)
    factor = await factors.get_factor(tenant, subject)
    left = await factors.count_backup_codes(tenant, subject)
    shown = {"enabled": factor is not None and factor.is_confirmed, "backup_codes_left": left}
    return answer(shown, ask.parts.committer.head)


@router.post(
    "/me/second-factor", operation_id="enrol_second_factor", response_model=Enrolled, responses=problems(*COMMAND)
)
async def begin(ask: SteppedUp) -> Response:
    """Make a secret for an authenticator, after a step-up. Nothing is asked for until it is confirmed."""
    tenant, subject = ask.caller.tenant, SubjectId(ask.caller.user)
    email = (await ask.parts.vault.get_fields(tenant, "email", [subject])).get(subject, subject)
    made = enrol(email)
    try:
        await ask.parts.factors.begin_factor(tenant, subject, made.secret)
    except FactorIsOn:
        raise Problem(
            HTTPStatus.CONFLICT, "second_factor_on", "Take the second factor off before another comes."
        ) from None
    shown = {"secret": made.secret, "uri": made.uri, "qr_svg": made.qr_svg, "qr_png": made.qr_png}
    return Response(to_json(shown), media_type=JSON)


@router.post(
    "/me/second-factor/confirm",
    operation_id="confirm_second_factor",
    response_model=BackupCodes,
    responses=problems(*COMMAND),
)
async def confirm(body: Confirmation, ask: SteppedUp) -> Response:
    """Prove with a code that the authenticator works: from now on a login needs one. Gives the backup codes."""
    tenant, subject = ask.caller.tenant, SubjectId(ask.caller.user)
    factor = await ask.parts.factors.get_factor(tenant, subject)
    if factor is None:
        raise Problem(HTTPStatus.CONFLICT, "no_second_factor", "Enrol a second factor first.")
    if factor.is_confirmed:
        raise Problem(HTTPStatus.CONFLICT, "second_factor_on", "The second factor is confirmed already.")
    await prove_factor(ask.parts, tenant, subject, code=body.code)
    await _append(ask, ConfirmSecondFactor(user=UserId(subject)))
    answered = await _new_codes(ask)
    await ask.parts.notifier.notify(tenant, subject, Message(kind=ON))
    return answered


@router.post(
    "/me/second-factor/backup-codes",
    operation_id="renew_backup_codes",
    response_model=BackupCodes,
    responses=problems(*COMMAND),
)
async def renew(ask: SteppedUp) -> Response:
    """Give new backup codes, after a step-up; those of before are no good any more."""
    factor = await ask.parts.factors.get_factor(ask.caller.tenant, SubjectId(ask.caller.user))
    if factor is None or not factor.is_confirmed:
        raise Problem(HTTPStatus.CONFLICT, "no_second_factor", "There is no second factor.")
    return await _new_codes(ask)


@router.delete(
    "/me/second-factor",
    operation_id="remove_second_factor",
    status_code=HTTPStatus.NO_CONTENT,
    responses=problems(*COMMAND),
)
async def remove(ask: SteppedUp) -> Response:
    """Take the own second factor off, after a step-up, which wants a code of it."""
    tenant, subject = ask.caller.tenant, SubjectId(ask.caller.user)
    if await ask.parts.factors.get_factor(tenant, subject) is None:
        raise Problem(HTTPStatus.CONFLICT, "no_second_factor", "There is no second factor.")
    await _append(ask, RemoveSecondFactor(user=UserId(subject)))
    await ask.parts.factors.remove_factor(tenant, subject)
    await ask.parts.notifier.notify(tenant, subject, Message(kind=OFF))
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post(
    "/admin/users/{id}/second-factor/reset",
    operation_id="reset_second_factor",
    response_model=ChangedUser,
    responses=problems(*COMMAND, 404),
)
async def reset(id: Annotated[Id, Path()], ask: SteppedUp) -> Response:
    """Take off the factor that somebody else has lost, after a step-up; that person's sessions end."""
    tenant, subject, asked = ask.caller.tenant, SubjectId(id), ask.fresh()
    change = ResetSecondFactor(user=UserId(id), by=ask.caller.user)
    answered = await asked.submit(change_user(asked.envelope(), change), status=HTTPStatus.OK)
    await ask.parts.factors.remove_factor(tenant, subject)
    await ask.parts.sessions.close_sessions(tenant, subject)
    await ask.parts.notifier.notify(tenant, subject, Message(kind=RESET))
    return answered


async def _append(ask: Ask, change: ConfirmSecondFactor | RemoveSecondFactor) -> None:
    """Append that the caller has, or no longer has, a second factor."""
    (await ask.parts.committer.submit(change_own(ask.fresh().envelope(), change))).accepted()


async def _new_codes(ask: Ask) -> Response:
    codes = new_backup_codes()
    await ask.parts.factors.confirm_factor(ask.caller.tenant, SubjectId(ask.caller.user), codes)
    return Response(to_json({"backup_codes": codes}), media_type=JSON)
