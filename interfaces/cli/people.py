"""`lastro tenant`, `lastro user`, `lastro asset`: what an operator makes before anybody can use the API."""

import asyncio
import re
import secrets
import sys
import uuid
from typing import TYPE_CHECKING, Annotated

import typer

from interfaces.cli.options import Data, Json, show

if TYPE_CHECKING:
    from domain.users import Role
    from interfaces.settings import Settings

tenants = typer.Typer(help="Tenants.", no_args_is_help=True)
users = typer.Typer(help="Users.", no_args_is_help=True)
assets = typer.Typer(help="Assets.", no_args_is_help=True)

LEAST_PASSWORD = 8
LONGEST_EMAIL = 254
EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


@tenants.callback()
@users.callback()
@assets.callback()
def _group() -> None:
    """Keep the name of a single command."""


@tenants.command("create")
def create_tenant(
    name: str,
    data: Data = None,
    open_registration: Annotated[bool, typer.Option(help="Strangers may register.")] = False,
    auto_approve: Annotated[bool, typer.Option(help="Who registers is active at once.")] = False,
    as_json: Json = False,
) -> None:
    """Create a tenant."""
    from application import tenants as use_case
    from application.streams import SYSTEM
    from domain.tenants import CreateTenant
    from interfaces.installation import committing, envelope, migrated_database_of
    from interfaces.settings import Settings

    settings = Settings.load(data=data)
    wanted = CreateTenant(name=name, open_registration=open_registration, auto_approve=auto_approve)

    async def create(app_url: str) -> None:
        async with committing(settings, app_url) as committer:
            (await committer.submit(use_case.create_tenant(envelope(SYSTEM), wanted))).accepted()

    with migrated_database_of(settings) as urls:
        asyncio.run(create(urls.app))
    show({"name": name}, f"Tenant {name} is there.", as_json=as_json)


@users.command("create")
def create_user(
    email: Annotated[str, typer.Option(help="The address the user logs in with.")],
    role: Annotated[list[str], typer.Option(help="A role; may be given several times.")],
    tenant: Annotated[str, typer.Option(help="The user's tenant.")] = "main",
    password: Annotated[str | None, typer.Option(help="Unset: asked for, or made and shown once.")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Create an active user."""
    from domain.users import Role
    from interfaces.installation import migrated_database_of
    from interfaces.settings import Settings

    unknown = [one for one in role if one not in set(Role)]
    if unknown:
        raise typer.BadParameter(f"{', '.join(unknown)}: the roles are {', '.join(Role)}", param_hint="--role")
    if len(email) > LONGEST_EMAIL or not EMAIL.fullmatch(email):
        raise typer.BadParameter("this is no e-mail address", param_hint="--email")
    if password is None and sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    made = None if password else secrets.token_urlsafe(15)
    secret = password or made
    assert secret is not None
    if len(secret) < LEAST_PASSWORD:
        raise typer.BadParameter(f"at least {LEAST_PASSWORD} characters", param_hint="--password")
    settings = Settings.load(data=data)
    with migrated_database_of(settings) as urls:
        roles = tuple(Role(one) for one in role)
        user = asyncio.run(_create_user(settings, urls.app, tenant, email=email, roles=roles, password=secret))
    shown = {"id": user} if made is None else {"id": user, "password": made}
    text = f"User {user} is active." + ("" if made is None else f" Password, shown once: {made}")
    show(shown, text, as_json=as_json)


async def _create_user(
    settings: "Settings", app_url: str, tenant: str, *, email: str, roles: "tuple[Role, ...]", password: str
) -> str:
    """Keep the person in the vault first, then append the user: an orphan in the vault is swept, a user is for ever."""
    from application import streams
    from application.users import register_user
    from domain.ids import SubjectId, UserId
    from domain.users import RegisterUser, Status
    from interfaces.api.passwords import HASHER
    from interfaces.clock import SystemClock
    from interfaces.installation import committing, envelope
    from interfaces.postgres.connections import pool
    from interfaces.postgres.vault import open_vault
    from interfaces.postgres.vault_crypto import load_master_key

    keys = load_master_key(settings.master_key, create=settings.is_embedded)
    user = uuid.uuid4().hex
    async with pool(app_url, name="lastro-cli-vault", size=1) as vaults, committing(settings, app_url) as committer:
        vault = await open_vault(vaults, keys, SystemClock())
        stream = streams.user(tenant, user)
        hashed = HASHER.hash(password)
        await vault.create_subject(
            tenant, SubjectId(user), stream=stream, fields={"email": email}, password_hash=hashed
        )
        registering = RegisterUser(user=UserId(user), subject=SubjectId(user), roles=roles, status=Status.ACTIVE)
        command = register_user(envelope(tenant), registering, email_hmac=vault.email_lookup(tenant, email))
        (await committer.submit(command)).accepted()
    return user


@assets.command("add")
def add_asset(
    code: str,
    scale: Annotated[int, typer.Option(help="Decimals in our own books.", min=0, max=18)] = 18,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Register an asset. Its scales never change; in portfolios every asset has 18 decimals."""
    from application.assets import register_asset
    from application.streams import SYSTEM
    from domain.assets import COIN_SCALE, RegisterAsset
    from interfaces.installation import committing, envelope, migrated_database_of
    from interfaces.settings import Settings

    settings = Settings.load(data=data)
    wanted = RegisterAsset(asset=code, company_scale=scale, memo_scale=scale, portfolio_scale=COIN_SCALE)

    async def add(app_url: str) -> None:
        async with committing(settings, app_url) as committer:
            (await committer.submit(register_asset(envelope(SYSTEM), wanted))).accepted()

    with migrated_database_of(settings) as urls:
        asyncio.run(add(urls.app))
    show({"asset": code, "scale": scale}, f"Asset {code} is registered.", as_json=as_json)
