"""API keys: who may have which scopes, how a key ends, and with which roles it acts."""

from datetime import timedelta

import pytest

from domain import api_keys
from domain.api_keys import (
    AddressesNeeded,
    ApiKeyCreated,
    ApiKeyEnded,
    ApiKeyExists,
    ApiKeyRevoked,
    ApiKeyRotated,
    CreateKey,
    Kind,
    NoScopes,
    NotTheirs,
    OverlapTooLong,
    RevokeKey,
    RotateKey,
    Scope,
    ScopeNotForRoles,
    UnknownApiKey,
    is_usable,
    roles_of,
)
from domain.ids import ApiKeyId, UserId
from domain.users import Role
from tests.domain.given import after
from tests.domain.ledger.entries import NOW, USER

KEY, SUCCESSOR = ApiKeyId("c" * 32), ApiKeyId("d" * 32)
ADMIN = UserId("ad" * 16)


def create(
    *scopes: Scope, by: str = USER, roles: tuple[Role, ...] = (Role.TRADER,), has_addresses: bool = False
) -> CreateKey:
    return CreateKey(
        key=KEY, user=USER, kind=Kind.HMAC, scopes=scopes, by=by, roles=roles, has_addresses=has_addresses,
        occurred_at=NOW,
    )  # fmt: skip


CREATE = create(Scope.TRADE, Scope.READ)
FOR_A_MACHINE = create(Scope.LEDGER, by=ADMIN, roles=(Role.API_ONLY,))
ROTATE = RotateKey(successor=SUCCESSOR, overlap=timedelta(hours=1), occurred_at=NOW)
REVOKE = RevokeKey(by=USER, occurred_at=NOW)


def test_a_key_is_made_once_with_its_scopes_in_order() -> None:
    after(api_keys).when(create(Scope.TRADE, Scope.READ, Scope.TRADE)).then(
        ApiKeyCreated(
            key=KEY, user=USER, kind=Kind.HMAC, scopes=(Scope.READ, Scope.TRADE), by=USER, has_addresses=False,
            replaces=None, occurred_at=NOW,
        )
    )  # fmt: skip
    after(api_keys, CREATE).when(CREATE).raises(ApiKeyExists, key=KEY)
    after(api_keys).when(create()).raises(NoScopes)


def test_a_key_that_may_withdraw_is_bound_to_addresses() -> None:
    after(api_keys).when(create(Scope.WITHDRAW)).raises(AddressesNeeded)
    (made,) = api_keys.decide(None, create(Scope.WITHDRAW, has_addresses=True))
    assert isinstance(made, ApiKeyCreated)


@pytest.mark.parametrize(("role", "scopes"), [
    (Role.TRADER, {Scope.READ, Scope.TRADE, Scope.WITHDRAW}),
    (Role.AFFILIATE, {Scope.READ, Scope.TRADE, Scope.WITHDRAW}),
    (Role.VIEWER, {Scope.READ}),
    (Role.AUDITOR, {Scope.READ, Scope.LEDGER}),
    (Role.FINANCE, {Scope.READ, Scope.LEDGER}),
    (Role.ADMIN, set()),
    (Role.MANAGER, set()),
    (Role.OPERATOR, set()),
])  # fmt: skip
def test_people_give_their_keys_what_their_roles_have_use_for(role: Role, scopes: set[Scope]) -> None:
    for scope in Scope:
        asked = after(api_keys).when(create(scope, roles=(role,), has_addresses=True))
        if scope in scopes:
            assert asked.decider.decide(None, asked.command)
        else:
            asked.raises(ScopeNotForRoles, scope=scope)


def test_somebody_else_makes_the_keys_of_a_machine_and_of_nobody_else() -> None:
    after(api_keys).when(create(Scope.READ, by=ADMIN)).raises(NotTheirs)
    after(api_keys).when(create(Scope.READ, roles=(Role.API_ONLY,))).raises(NotTheirs)
    after(api_keys).when(create(Scope.READ, by=ADMIN, roles=(Role.API_ONLY, Role.TRADER))).raises(NotTheirs)
    assert api_keys.decide(None, FOR_A_MACHINE)


def test_money_never_leaves_by_a_machine() -> None:
    wanted = create(Scope.WITHDRAW, by=ADMIN, roles=(Role.API_ONLY,), has_addresses=True)
    after(api_keys).when(wanted).raises(ScopeNotForRoles, scope=Scope.WITHDRAW)


def test_the_role_api_only_gives_people_no_scope_that_they_would_not_have_anyway() -> None:
    wanted = create(Scope.LEDGER, roles=(Role.API_ONLY, Role.TRADER))
    after(api_keys).when(wanted).raises(ScopeNotForRoles, scope=Scope.LEDGER)


def test_a_key_is_rotated_once_and_lives_on_for_a_while() -> None:
    until = NOW + timedelta(hours=1)
    after(api_keys, CREATE).when(ROTATE).then(
        ApiKeyRotated(key=KEY, successor=SUCCESSOR, usable_until=until, occurred_at=NOW)
    )
    rotated = after(api_keys, CREATE, ROTATE)
    rotated.when(ROTATE).raises(ApiKeyEnded, successor=SUCCESSOR)
    assert is_usable(rotated.state, until - timedelta(microseconds=1))
    assert not is_usable(rotated.state, until)


def test_no_key_lives_beside_its_successor_for_more_than_a_week() -> None:
    week = timedelta(days=7)
    asked = RotateKey(successor=SUCCESSOR, overlap=week, occurred_at=NOW)
    assert api_keys.decide(after(api_keys, CREATE).state, asked)
    longer = RotateKey(successor=SUCCESSOR, overlap=week + timedelta(seconds=1), occurred_at=NOW)
    after(api_keys, CREATE).when(longer).raises(OverlapTooLong, overlap_s=604_801, most_s=604_800)


def test_a_key_is_revoked_at_once_also_beside_its_successor() -> None:
    after(api_keys, CREATE).when(REVOKE).then(ApiKeyRevoked(key=KEY, by=USER, occurred_at=NOW))
    after(api_keys, CREATE, REVOKE).when(REVOKE).nothing()
    after(api_keys, CREATE, REVOKE).when(ROTATE).raises(ApiKeyEnded)
    assert is_usable(after(api_keys, CREATE).state, NOW)
    assert not is_usable(after(api_keys, CREATE, ROTATE, REVOKE).state, NOW)


def test_a_key_that_was_never_made_is_unknown() -> None:
    for command in (ROTATE, REVOKE):
        after(api_keys).when(command).raises(UnknownApiKey)


def test_a_key_acts_with_its_users_present_roles() -> None:
    own, machines = after(api_keys, CREATE).state, after(api_keys, FOR_A_MACHINE).state
    assert roles_of(own, [Role.VIEWER]) == {Role.VIEWER}
    assert roles_of(machines, [Role.API_ONLY]) == {Role.API_ONLY}


def test_a_key_that_somebody_made_for_themselves_gains_nothing_by_the_role_api_only() -> None:
    own = after(api_keys, CREATE).state
    assert roles_of(own, [Role.TRADER, Role.API_ONLY]) == {Role.TRADER}
    assert roles_of(own, [Role.API_ONLY]) == frozenset()
