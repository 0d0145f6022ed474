"""The paths of the first specification still work, are the same operations, and say that they will go."""

import pytest

from domain.users import Role
from interfaces.api.deprecated import ALIASES, operation_of
from interfaces.api.roles import ROLES
from interfaces.api.scopes import SCOPES
from tests.interfaces.api.answers import body, items, problem
from tests.interfaces.api.callers import Caller
from tests.interfaces.api.entries import top_up
from tests.interfaces.api.installation import House, Installation
from tests.interfaces.api.test_roles import BODIES

MONEY = {"amount": {"value": "50", "asset": "USD"}}


def test_an_alias_has_the_roles_and_the_scope_of_its_operation() -> None:
    for name, alias in ALIASES.items():
        assert ROLES[name] == ROLES[alias.operation]
        assert SCOPES.get(name) == SCOPES.get(alias.operation)


@pytest.mark.parametrize("name", ALIASES)
def test_an_alias_answers_as_its_operation_does_and_says_that_it_will_go(
    house: House, installation: Installation, name: str
) -> None:
    document = installation.nobody.get("/openapi.json").json()
    found = {
        one["operationId"]: (method, path, one)
        for path, methods in document["paths"].items()
        for method, one in methods.items()
    }
    method, path, operation = found[name]
    _, successor, original = found[ALIASES[name].operation]
    assert operation["deprecated"] is True
    assert "deprecated" not in original
    assert operation["responses"] == original["responses"]
    assert operation.get("parameters") == original.get("parameters")
    person = house.person(*(role for role in Role if role is not Role.API_ONLY))
    sent = BODIES.get(operation_of(name))
    for caller in (person, house.installation.nobody):
        old, new = (caller.send(method.upper(), one, key="k", json=sent) for one in (path, successor))
        assert old.status_code == new.status_code
        assert old.headers["Deprecation"] == "@1795824000"
        assert old.headers["Link"] == f'<{successor}>; rel="successor-version"'
        assert "Deprecation" not in new.headers


def test_a_request_that_is_repeated_under_the_new_path_is_the_same_request(trader: Caller, house: House) -> None:
    first = trader.post("financial/deposit", MONEY, key="one deposit")
    written = house.written()
    again = trader.post("deposits", MONEY, key="one deposit")
    assert body(first, 201)["id"] == body(again, 201)["id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert house.written() == written


def test_old_paths_show_the_same_money(house: House, trader: Caller) -> None:
    last = house.finance.post("ledger/entries", top_up(trader.user, "12.00"))
    assert body(trader.get("financial/balance", after=last)) == body(trader.get("balances"))
    assert items(trader.get("financial/transactions", limit=1)) == items(trader.get("transactions", limit=1))
    assert items(house.the(Role.OPERATOR).get("admin/withdrawals/pending")) == []
    problem(trader.get("admin/withdrawals/pending"), 403, "role_not_allowed")
