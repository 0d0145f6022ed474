from dataclasses import fields

import pytest

from domain import users
from domain.errors import DomainError
from domain.ids import SubjectId, UserId
from domain.users import (
    ActivateUser,
    ConfirmSecondFactor,
    EndSessions,
    NoRoles,
    NotActive,
    OwnAccount,
    RegisterUser,
    RemoveSecondFactor,
    ResetSecondFactor,
    Role,
    SetRoles,
    Status,
    SuspendUser,
    UnknownUser,
    User,
    UserActivated,
    UserExists,
    UserRegistered,
    UserRolesChanged,
    UserSecondFactorConfirmed,
    UserSecondFactorRemoved,
    UserSessionsEnded,
    UserSuspended,
    require_active,
)
from tests.domain.given import given

ANN, BOB = UserId("a" * 32), UserId("b" * 32)
SUBJECT = SubjectId("5" * 32)
REGISTERED = UserRegistered(user=ANN, subject=SUBJECT, roles=(Role.TRADER,), status=Status.PENDING)
ACTIVE = UserRegistered(user=ANN, subject=SUBJECT, roles=(Role.TRADER,), status=Status.ACTIVE)
ACTIVATED, SUSPENDED = UserActivated(user=ANN), UserSuspended(user=ANN)


def register(*roles: Role, status: Status = Status.PENDING) -> RegisterUser:
    return RegisterUser(user=ANN, subject=SUBJECT, roles=roles, status=status)


def test_a_user_is_registered_with_roles_and_status() -> None:
    given(users).when(register(Role.TRADER)).then(REGISTERED)
    given(users).when(register(Role.TRADER, status=Status.ACTIVE)).then(ACTIVE)


def test_a_user_is_registered_once() -> None:
    given(users, REGISTERED).when(register(Role.TRADER)).raises(UserExists, user=ANN)


def test_nobody_begins_suspended() -> None:
    with pytest.raises(AssertionError):
        given(users).when(register(Role.TRADER, status=Status.SUSPENDED)).nothing()


def test_roles_are_a_set_in_one_order() -> None:
    given(users).when(register(Role.TRADER, Role.ADMIN, Role.TRADER)).then(
        UserRegistered(user=ANN, subject=SUBJECT, roles=(Role.ADMIN, Role.TRADER), status=Status.PENDING)
    )


def test_a_user_has_at_least_one_role() -> None:
    given(users).when(register()).raises(NoRoles)
    given(users, ACTIVE).when(SetRoles(user=ANN, roles=(), by=BOB)).raises(NoRoles)


@pytest.mark.parametrize("before", [(REGISTERED,), (ACTIVE, SUSPENDED)], ids=["pending", "suspended"])
def test_a_pending_or_suspended_user_is_activated(before: tuple[users.Event, ...]) -> None:
    given(users, *before).when(ActivateUser(user=ANN, by=BOB)).then(ACTIVATED)


@pytest.mark.parametrize("before", [(REGISTERED,), (REGISTERED, ACTIVATED)], ids=["pending", "active"])
def test_a_pending_or_active_user_is_suspended(before: tuple[users.Event, ...]) -> None:
    given(users, *before).when(SuspendUser(user=ANN, by=BOB)).then(SUSPENDED)


def test_roles_are_replaced() -> None:
    given(users, ACTIVE).when(SetRoles(user=ANN, roles=(Role.VIEWER, Role.FINANCE), by=BOB)).then(
        UserRolesChanged(user=ANN, roles=(Role.FINANCE, Role.VIEWER))
    )


@pytest.mark.parametrize(
    ("before", "command"),
    [
        (ACTIVATED, ActivateUser(user=ANN, by=BOB)),
        (SUSPENDED, SuspendUser(user=ANN, by=BOB)),
        (ACTIVATED, SetRoles(user=ANN, roles=(Role.TRADER, Role.TRADER), by=BOB)),
    ],
    ids=["active", "suspended", "roles"],
)
def test_what_is_so_already_is_nothing_to_do(before: users.Event, command: users.Command) -> None:
    given(users, REGISTERED, before).when(command).nothing()


CHANGES = [
    ActivateUser(user=ANN, by=ANN),
    SuspendUser(user=ANN, by=ANN),
    SetRoles(user=ANN, roles=(Role.ADMIN,), by=ANN),
]


@pytest.mark.parametrize("command", CHANGES, ids=lambda command: type(command).__name__)
def test_nobody_changes_their_own_status_or_roles(command: users.Command) -> None:
    given(users, ACTIVE).when(command).raises(OwnAccount, user=ANN)


@pytest.mark.parametrize("command", CHANGES, ids=lambda command: type(command).__name__)
def test_an_unknown_user_is_not_found(command: users.Command) -> None:
    given(users).when(command).raises(UnknownUser, user=ANN)


def test_what_happened_is_what_is_true() -> None:
    changed = UserRolesChanged(user=ANN, roles=(Role.MANAGER,))
    state = given(users, REGISTERED, ACTIVATED, changed, SUSPENDED).state
    assert state == User(user=ANN, subject=SUBJECT, roles=(Role.MANAGER,), status=Status.SUSPENDED)


def test_only_an_active_user_may_act() -> None:
    assert require_active(given(users, ACTIVE).state, ANN).user == ANN
    refused: tuple[tuple[users.Event, ...], ...] = ((REGISTERED,), (ACTIVE, SUSPENDED))
    for events in refused:
        with pytest.raises(NotActive):
            require_active(given(users, *events).state, ANN)
    with pytest.raises(UnknownUser):
        require_active(users.INITIAL, ANN)


def test_an_error_tells_the_status_and_nothing_else() -> None:
    with pytest.raises(DomainError) as raised:
        require_active(given(users, REGISTERED).state, ANN)
    assert raised.value.data == {"status": "PENDING"}


def test_events_hold_ids_roles_and_status_and_nothing_personal() -> None:
    held = {
        field.name
        for event in (UserRegistered, UserActivated, UserSuspended, UserRolesChanged)
        for field in fields(event)
    }
    assert held == {"user", "subject", "roles", "status"}


def test_a_second_factor_is_confirmed_and_taken_off_once() -> None:
    confirm, remove = ConfirmSecondFactor(user=ANN), RemoveSecondFactor(user=ANN)
    confirmed, removed = UserSecondFactorConfirmed(user=ANN), UserSecondFactorRemoved(user=ANN)
    given(users, ACTIVE).when(confirm).then(confirmed)
    given(users, ACTIVE, confirmed).when(confirm).nothing()
    given(users, ACTIVE, confirmed).when(remove).then(removed)
    given(users, ACTIVE, confirmed, removed).when(remove).nothing()
    given(users).when(confirm).raises(UnknownUser, user=ANN)


def test_a_lost_second_factor_is_reset_by_somebody_else_and_ends_all_sessions() -> None:
    confirmed = UserSecondFactorConfirmed(user=ANN)
    reset = ResetSecondFactor(user=ANN, by=BOB)
    given(users, ACTIVE, confirmed).when(reset).then(UserSecondFactorRemoved(user=ANN), UserSessionsEnded(user=ANN))
    given(users, ACTIVE).when(reset).nothing()
    given(users, ACTIVE, confirmed).when(ResetSecondFactor(user=ANN, by=ANN)).raises(OwnAccount, user=ANN)


def test_sessions_end_as_often_as_somebody_ends_them() -> None:
    ended = UserSessionsEnded(user=ANN)
    given(users, ACTIVE).when(EndSessions(user=ANN)).then(ended)
    given(users, ACTIVE, ended).when(EndSessions(user=ANN)).then(ended)
