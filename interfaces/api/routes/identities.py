"""Login with an account at a provider: begun here, proven there, finished here by the browser that began.

An account is linked only over an address that the provider has verified and its owner here has proven: whoever
registered with somebody else's address neither takes over nor is taken over. A second factor is asked for all the same.
"""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import Field
from pydantic_core import to_json

from application import streams
from application.identity_ports import Identity, IdentityProvider, IdentityRefused, ProviderAway, ProviderLogin
from application.ports import Message
from application.users import change_own
from domain.ids import SubjectId, UserId
from domain.users import EmailTaken, LinkIdentity, UnlinkIdentity, User
from interfaces.api.ask import COUNTED, JSON, Asked, answer
from interfaces.api.credentials import FactorCode, require_factor
from interfaces.api.documented import COMMAND, QUERY, problems
from interfaces.api.fields import Body, Shown
from interfaces.api.parts import Parts
from interfaces.api.problems import RETRY_AFTER_S, Problem
from interfaces.api.routes.sessions import DEFAULT_TENANT, LoggedIn, active_user, tokens
from interfaces.api.step_up import SteppedUp
from interfaces.api.strangers import Newcomer, open_tenant, public_envelope, register_person
from interfaces.api.strict_json import StrictRoute

router = APIRouter(route_class=StrictRoute, prefix="/api/v1", tags=["sessions"])

LINKED = "identity_linked"
_ERRORS = problems(400, 401, 403, 404, 413, 415, 422, 429, 500, 503)

ProviderName = Annotated[str, Path(pattern=r"^[a-z0-9]{1,32}$", examples=["google"])]
_Secret = Annotated[str, Field(min_length=1, max_length=512)]


class Start(Body):
    """Where somebody wants to log in."""

    tenant: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{1,31}$", examples=["main"])] = DEFAULT_TENANT


class Started(Shown):
    """Where the browser goes, and what it keeps to itself until it comes back."""

    authorization_url: str
    flow: str


class Finish(Body):
    """What the provider sent with the browser, what the browser kept, and a code of whoever has a second factor."""

    state: Annotated[_Secret, Field(repr=False, examples=["main.Rk9v…"])]
    code: Annotated[str, Field(min_length=1, max_length=2048, repr=False, examples=["4/0AX4…"])]
    flow: Annotated[_Secret, Field(repr=False, examples=["b2s…"])]
    second_factor: Annotated[FactorCode | None, Field(repr=False)] = None


class ShownIdentities(Shown):
    """The providers that log somebody in."""

    providers: list[str]


@router.post(
    "/auth/oauth/{provider}/start",
    operation_id="start_provider_login",
    dependencies=COUNTED,
    response_model=Started,
    responses=_ERRORS,
)
async def start(provider: ProviderName, body: Start, request: Request) -> Response:
    """Begin a login at a provider. The browser goes to the address, keeps `flow`, and comes back within ten minutes."""
    parts: Parts = request.app.state.parts
    asked = _provider(parts, provider)
    login = await parts.identities.begin_login(body.tenant, provider)
    try:
        url = await asked.authorization_url(login.state, login.pledge)
    except ProviderAway:
        raise _away() from None
    return Response(to_json({"authorization_url": url, "flow": login.flow}), media_type=JSON)


@router.post(
    "/auth/oauth/{provider}/finish",
    operation_id="finish_provider_login",
    dependencies=COUNTED,
    response_model=LoggedIn,
    responses=_ERRORS,
)
async def finish(provider: ProviderName, body: Finish, request: Request) -> Response:
    """Exchange what came back from the provider for tokens.

    Whoever has a second factor and gave no code is answered 401 `second_factor_required`, and sends the same again with
    one. A code of the provider, a state and a flow are good for one login.
    """
    parts: Parts = request.app.state.parts
    login = await parts.identities.take_login(provider, state=body.state, flow=body.flow)
    if login is None:
        raise _refused()
    subject = login.subject or await _proven(request, login, body.code)
    await require_factor(parts, login.tenant, subject, code=body.second_factor)
    user = await active_user(parts, login.tenant, subject)
    if not await parts.identities.end_login(login):
        raise _refused()
    return tokens(parts, user, await parts.sessions.open_session(login.tenant, subject))


@router.get(
    "/me/identities", operation_id="list_identities", response_model=ShownIdentities, responses=problems(*QUERY)
)
async def list_identities(ask: Asked) -> Response:
    """List the providers that log the caller in."""
    found = await ask.parts.identities.list_providers(ask.caller.tenant, SubjectId(ask.caller.user))
    return answer({"providers": found}, ask.parts.committer.head)


@router.delete(
    "/me/identities/{provider}",
    operation_id="unlink_identity",
    status_code=HTTPStatus.NO_CONTENT,
    responses=problems(*COMMAND, 404),
)
async def unlink(provider: ProviderName, ask: SteppedUp) -> Response:
    """Let a provider log the caller in no more, after a step-up."""
    subject = SubjectId(ask.caller.user)
    if provider not in await ask.parts.identities.list_providers(ask.caller.tenant, subject):
        raise Problem(HTTPStatus.NOT_FOUND, "unknown_identity", "No account at this provider logs you in.")
    unlinked = UnlinkIdentity(user=UserId(subject), provider=provider)
    (await ask.parts.committer.submit(change_own(ask.fresh().envelope(), unlinked))).accepted()
    await ask.parts.identities.unlink_identities(ask.caller.tenant, provider, subject)
    return Response(status_code=HTTPStatus.NO_CONTENT)


async def _proven(request: Request, login: ProviderLogin, code: str) -> SubjectId:
    """Ask the provider who it is, and keep the answer: its code is good once."""
    parts: Parts = request.app.state.parts
    try:
        identity = await _provider(parts, login.provider).identify(code, login.pledge)
    except IdentityRefused:
        raise _refused() from None
    except ProviderAway:
        raise _away() from None
    subject = await _subject_of(request, login, identity)
    await parts.identities.prove_login(login, subject)
    return subject


async def _subject_of(request: Request, login: ProviderLogin, identity: Identity) -> SubjectId:
    """Find, link or register whoever it is."""
    parts: Parts = request.app.state.parts
    tenant = login.tenant
    found = await parts.identities.find_identity(tenant, login.provider, identity.id)
    if found is not None:
        return found
    if identity.email is None:
        raise Problem(HTTPStatus.FORBIDDEN, "email_unverified", "The provider has verified no address of yours.")
    subject = await parts.vault.find_subject_by_email(tenant, identity.email)
    if subject is None:
        subject = await _registered(request, tenant, identity.email)
    await _require_proven_address(parts, tenant, subject)
    linked = LinkIdentity(user=UserId(subject), provider=login.provider)
    (await parts.committer.submit(change_own(public_envelope(request, tenant, login.state), linked))).accepted()
    await parts.identities.link_identity(tenant, login.provider, id=identity.id, subject=subject)
    await parts.notifier.notify(tenant, subject, Message(kind=LINKED))
    return subject


async def _registered(request: Request, tenant: str, email: str) -> SubjectId:
    """Register a trader whose address the provider has verified; who was quicker to have it is the one."""
    parts: Parts = request.app.state.parts
    newcomer = Newcomer(email=email, email_verified=True)
    done = await register_person(request, await open_tenant(parts, tenant), newcomer)
    if not done.refused:
        return SubjectId(newcomer.user)
    first = await parts.vault.find_subject_by_email(tenant, email)
    if first is None or done.receipt.answer["code"] != EmailTaken.code:
        done.accepted()
        raise _refused()
    return first


async def _require_proven_address(parts: Parts, tenant: str, subject: SubjectId) -> None:
    """Refuse to link an account whose address nobody has proven: it may be somebody else's who typed it in."""
    user = (await parts.committer.state(streams.user(tenant, subject))).state
    assert isinstance(user, User), "a subject that is found has a user"
    if not user.email_verified:
        raise Problem(
            HTTPStatus.FORBIDDEN,
            "account_not_linked",
            "An account has this address, which nobody has proven there: set a new password first, which proves it.",
        )


def _provider(parts: Parts, name: str) -> IdentityProvider:
    found = parts.identity_providers.get(name)
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, "unknown_provider", "There is no such provider here.")
    return found


def _refused() -> Problem:
    return Problem(HTTPStatus.UNAUTHORIZED, "login_refused", "This login is unknown, over, or not what was begun.")


def _away() -> Problem:
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "provider_away",
        "The provider does not answer: begin again soon.",
        headers={"Retry-After": RETRY_AFTER_S},
    )
