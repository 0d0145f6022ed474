"""Tenants, users, assets and connections: what exists once, and who may change whom."""

import pytest

from application import streams
from application.assets import Assets, register_asset
from application.commands import Command
from application.committer import Committer
from application.store import Store
from application.tenants import create_tenant
from application.users import change_user
from domain.assets import AssetDiffers, AssetRegistered, RegisterAsset, UnknownAsset, coin, fiat
from domain.claims import EmailClaimed
from domain.connections import ConnectionExists, ConnectionOpened, InvalidStart
from domain.ids import SubjectId, UserId
from domain.ledger.accounts import UnknownAccount
from domain.ledger.entry import EntryPosted
from domain.money import Asset
from domain.tenants import CreateTenant, MalformedTenantName, TenantCreated, TenantExists, UnknownTenant
from domain.users import (
    ActivateUser,
    EmailTaken,
    NotActive,
    OwnAccount,
    Role,
    SetRoles,
    Status,
    SuspendUser,
    UnknownUser,
    UserActivated,
    UserExists,
    UserRegistered,
    UserRolesChanged,
    UserSuspended,
)
from tests.application.memory import Memory
from tests.application.people import ANA, BOB, CONNECTION, PEOPLE, SYSTEM_TENANT, connected, registered, suspended, usd
from tests.application.world import TENANT, an_id, envelope

NEW = UserId(an_id("new"))
ROLES = (Role.TRADER,)


@pytest.fixture
def memory() -> Memory:
    return Memory().given(*PEOPLE)


def test_a_tenant_is_created_once() -> None:
    created = TenantCreated(name=TENANT, open_registration=False, auto_approve=False)
    memory = Memory()
    memory.when(SYSTEM_TENANT).then((streams.tenant(TENANT), created))
    memory.when(SYSTEM_TENANT).raises(TenantExists, name=TENANT)


@pytest.mark.parametrize("name", ["system", "a", "Acme", "ac me", "1acme", "a" * 33, "acme\n", "acm\u00e9", ""])
def test_a_tenant_that_would_be_no_stream_is_not_created(name: str) -> None:
    Memory().when(create_tenant(envelope("t", tenant="system"), CreateTenant(name=name))).raises(
        MalformedTenantName, at=("name",)
    )


def test_a_registration_claims_the_address_in_the_same_append(memory: Memory) -> None:
    memory.when(registered(NEW, status=Status.PENDING, email="new@example.com")).then(
        (streams.email(TENANT, an_id("new@example.com")), EmailClaimed(user=NEW)),
        (
            streams.user(TENANT, NEW),
            UserRegistered(user=NEW, subject=SubjectId(NEW), roles=ROLES, status=Status.PENDING),
        ),
    )


def test_an_address_and_an_id_are_had_once(memory: Memory) -> None:
    memory.when(registered(NEW, email=ANA)).raises(EmailTaken)
    memory.when(registered(ANA, email="another")).raises(UserExists, user=ANA)
    memory.given(registered(NEW, email="another"))


def test_nobody_is_registered_in_a_tenant_that_does_not_exist() -> None:
    Memory().when(registered(NEW)).raises(UnknownTenant, name=TENANT)


def activated(user: UserId, *, by: UserId = BOB) -> Command:
    return change_user(envelope(f"activate {user} {by}", actor=by), ActivateUser(user=user, by=by))


def with_roles(user: UserId, *roles: Role, by: UserId = BOB) -> Command:
    return change_user(envelope(f"roles {user} {roles}", actor=by), SetRoles(user=user, roles=roles, by=by))


def test_a_user_is_activated_suspended_and_given_roles_by_somebody_else(memory: Memory) -> None:
    stream = streams.user(TENANT, NEW)
    memory.given(registered(NEW, status=Status.PENDING))
    body = memory.when(activated(NEW)).then((stream, UserActivated(user=NEW)))
    assert body == {"id": NEW, "status": "ACTIVE", "roles": ["trader"]}
    memory.when(activated(NEW)).nothing()
    memory.when(suspended(NEW)).then((stream, UserSuspended(user=NEW)))
    roles = (Role.FINANCE, Role.AUDITOR)
    memory.when(with_roles(NEW, *reversed(roles))).then((stream, UserRolesChanged(user=NEW, roles=roles)))
    memory.when(with_roles(NEW, *roles)).nothing()


def test_nobody_changes_their_own_status_or_roles(memory: Memory) -> None:
    memory.when(with_roles(BOB, Role.ADMIN)).raises(OwnAccount, user=BOB)
    memory.when(activated(BOB)).raises(OwnAccount)
    memory.when(change_user(envelope("s", actor=BOB), SuspendUser(user=BOB, by=BOB))).raises(OwnAccount)


def test_who_is_not_active_changes_nobody(memory: Memory) -> None:
    memory.given(suspended(BOB))
    memory.when(activated(ANA)).raises(NotActive)
    memory.when(activated(ANA, by=NEW)).raises(UnknownUser, user=NEW)
    memory.when(change_user(envelope("u"), ActivateUser(user=NEW, by="cli:root"))).raises(UnknownUser, user=NEW)


def test_an_asset_is_registered_once_and_its_scales_never_change() -> None:
    memory = Memory()
    register = register_asset(envelope("btc", tenant="system"), coin("BTC"))
    registered_btc = AssetRegistered(asset="BTC", company_scale=18, memo_scale=18, portfolio_scale=18)
    memory.when(register).then((streams.asset("BTC"), registered_btc))
    memory.when(register).nothing()
    other = RegisterAsset(asset="BTC", company_scale=8, memo_scale=18, portfolio_scale=18)
    memory.when(register_asset(envelope("btc 8", tenant="system"), other)).raises(AssetDiffers, asset="BTC")


@pytest.mark.anyio
async def test_an_asset_is_looked_up_at_the_scale_of_an_account(committer: Committer, store: Store) -> None:
    assets = Assets(store)
    with pytest.raises(UnknownAsset):
        await assets.find("USD")
    await committer.submit(register_asset(envelope("usd", tenant="system"), fiat("USD")))
    assert await assets.of_account("assets:psp:stripe", "USD") == Asset("USD", 2)
    assert await assets.of_account("portfolio:c1:holdings", "USD") == Asset("USD", 18)
    with pytest.raises(UnknownAccount):
        await assets.of_account("assets", "USD")


def test_a_paper_connection_starts_with_an_entry_from_outside_in_the_same_append(memory: Memory) -> None:
    opened, posted = memory.when(connected("10000")).appends(ConnectionOpened, EntryPosted)
    assert (opened.user, opened.venue, opened.start) == (ANA, "paper", usd("10000"))
    assert [(line.account, line.amount) for line in posted.entry.postings] == [
        (f"portfolio:{CONNECTION}:holdings", usd("10000")),
        (f"portfolio:{CONNECTION}:external", usd("-10000")),
    ]
    assert (posted.entry.kind, posted.entry.reference) == ("connection_opened", CONNECTION)
    assert memory.state(streams.portfolio_book(TENANT, CONNECTION)).of(usd("0").asset) == usd("10000")


def test_a_connection_is_opened_once_by_who_is_active_and_with_money(memory: Memory) -> None:
    memory.when(connected("0")).raises(InvalidStart, at=("start",))
    memory.when(connected("-1")).raises(InvalidStart, at=("start",))
    memory.when(connected(user=NEW)).raises(UnknownUser)
    memory.given(connected())
    memory.when(connected()).raises(ConnectionExists, connection=CONNECTION)
