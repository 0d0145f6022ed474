"""Every route is in the table of roles, docs/roles.md is that table, and requests are answered as it says."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.api_keys import ROLES as ROLES_OF_SCOPES
from domain.api_keys import Scope
from domain.users import Role
from interfaces.api import roles
from interfaces.api.deprecated import operation_of
from interfaces.api.roles import ROLES
from interfaces.api.scopes import SCOPES
from tests.interfaces.api.answers import problem
from tests.interfaces.api.callers import Caller
from tests.interfaces.api.entries import capital
from tests.interfaces.api.installation import PASSWORD, STEPPED_UP, House, Installation
from tests.interfaces.api.signers import LOOPBACK, Signer, hmac_key, machine

DOCUMENT = Path(__file__).parents[3] / "docs" / "roles.md"

BEHIND_A_TOKEN = [operation for operation, allowed in ROLES.items() if allowed is not None]
BODIES: Mapping[str, Any] = {
    "post_entry": capital(),
    "post_entries": {"entries": [capital()]},
    "reverse_entry": {},
    "open_connection": {"venue": "paper", "start": {"value": "1", "asset": "USD"}},
    "place_order": {
        "connection": "0" * 32, "instrument": "btc-usd", "side": "buy", "type": "market", "quantity": "1",
    },
    "request_deposit": {"amount": {"value": "50", "asset": "USD"}},
    "request_refund": {"deposit_id": "0" * 32},
    "record_receipt": {"bank": "main", "line": "17", "amount": {"value": "50", "asset": "USD"}},
    "identify_receipt": {"user_id": "0" * 32},
    "top_up_client_money": {
        "client": "main", "own": "main", "amount": {"value": "5", "asset": "USD"}, "reference": "B 1",
    },
    "sweep_earnings": {
        "client": "main", "own": "main", "amount": {"value": "5", "asset": "USD"}, "reference": "B 1",
    },
    "write_off": {"user_id": "0" * 32, "amount": {"value": "5", "asset": "USD"}, "reason": "gone"},
    "set_allowance": {"level": {"value": "5", "asset": "USD"}, "reason": "month end"},
    "add_destination": {"kind": "iban", "asset": "EUR", "holder": "Somebody", "iban": "GB82WEST12345698765432"},
    "request_withdrawal": {"amount": {"value": "50", "asset": "USD"}, "destination_id": "0" * 32},
    "reject_withdrawal": {"reason": "unclear"},
    "pay_withdrawal": {"bank": "main", "reference": "B 17"},
    "fail_withdrawal": {"reason": "account closed"},
    "return_withdrawal": {"reason": "account closed"},
    "make_payout_file": {"asset": "USD"},
    "reject_proposal": {"reason": "unclear"},
    "create_api_key": {"name": "bot", "kind": "hmac", "scopes": ["read"]},
    "rotate_api_key": {"kind": "hmac"},
    "set_user_roles": {"roles": ["viewer"]},
    "logout": {"refresh_token": "none"},
    "step_up": {"password": PASSWORD},
    "confirm_second_factor": {"code": "000000"},
    "change_password": {"current": PASSWORD, "password": PASSWORD},
    "make_transfer": {"to_user": "0" * 32, "amount": {"value": "1", "asset": "USD"}},
    "ask_for_quote": {"sold": {"value": "1", "asset": "USD"}, "bought": "BRL"},
    "record_rate": {"base": "USD", "quote": "BRL", "price": "5.40", "source": "bank"},
    "ask_upkeep": {"act": "compare", "models": ["users"]},
    "ask_verification": {"from": 1},
    "cover_exchange": {
        "bank": "main", "sold": {"value": "1", "asset": "USD"}, "received": {"value": "5", "asset": "BRL"},
    },
}  # fmt: skip


PARAMETERS: Mapping[str, Any] = {"explain": {"kind": "order", "id": "0" * 32}}


@pytest.fixture(scope="session")
def operations(installation: Installation) -> Mapping[str, tuple[str, str]]:
    """Every operation's method and path, as the server itself lists them."""
    document = installation.nobody.get("/openapi.json").json()
    return {
        operation["operationId"]: (method.upper(), _filled(path))
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def _filled(path: str) -> str:
    return re.sub(r"\{.*?\}", "0" * 32, path.replace("{path}", "assets:psp:stripe"))


def send(caller: Caller, operation: str, operations: Mapping[str, tuple[str, str]]) -> httpx.Response:
    method, path = operations[operation]
    body, parameters = BODIES.get(operation_of(operation)), PARAMETERS.get(operation)
    return caller.send(method, path, key=f"key of {operation}", json=body, params=parameters)


def test_the_table_names_every_operation_and_no_other(operations: Mapping[str, tuple[str, str]]) -> None:
    assert operations.keys() == ROLES.keys()


def test_the_document_is_the_table() -> None:
    assert DOCUMENT.read_text() == roles.as_markdown()


def test_no_role_does_everything_and_no_operation_is_without_a_role() -> None:
    allowed = [table for table in ROLES.values() if table is not None]
    assert all(allowed)
    assert not any(all(role in table for table in allowed) for role in Role)


@pytest.mark.parametrize("operation", BEHIND_A_TOKEN)
def test_without_a_good_token_the_answer_is_401(
    *, house: House, nobody: Caller, operation: str, operations: Mapping[str, tuple[str, str]]
) -> None:
    before = house.written()
    forged = Caller(http=nobody.http, token=house.finance.token[:-4] + "AAAA" if house.finance.token else None)
    for caller in (nobody, forged, Caller(http=nobody.http, token="x")):
        answer = send(caller, operation, operations)
        problem(answer, 401, "unauthenticated")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert house.written() >= before


@pytest.mark.parametrize("role", Role)
def test_a_role_may_do_what_the_table_says_and_nothing_else(
    installation: Installation, role: Role, operations: Mapping[str, tuple[str, str]]
) -> None:
    house = installation.a_house()
    machines = (Scope.READ, Scope.TRADE, Scope.LEDGER)
    person = machine(house, *machines) if role is Role.API_ONLY else house.person(role, password=PASSWORD)
    for operation in BEHIND_A_TOKEN:
        # Some operations end all tokens from before, so each request has one of its own.
        token = installation.office.token(house.tenant, person.user, [role], stepped_up_for=STEPPED_UP)
        caller = person if isinstance(person, Signer) else Caller(http=person.http, token=token)
        answer = send(caller, operation, operations)
        allowed = ROLES[operation]
        assert allowed is not None
        if role in allowed:
            assert answer.status_code in {200, 201, 202, 204, 404, 409}, f"{operation}: {answer.text}"
        else:
            problem(answer, 403, "role_not_allowed")


def test_a_machine_may_do_nothing_that_is_in_no_scope_of_its_own() -> None:
    for operation, allowed in ROLES.items():
        if allowed is not None and Role.API_ONLY in allowed:
            assert Role.API_ONLY in ROLES_OF_SCOPES[SCOPES[operation]], operation


def test_every_scope_of_a_role_lets_it_do_something() -> None:
    for scope, roles_of_scope in ROLES_OF_SCOPES.items():
        within = [ROLES[operation] or frozenset() for operation, one in SCOPES.items() if one is scope]
        assert roles_of_scope <= frozenset[Role]().union(*within), scope


@pytest.mark.parametrize("scope", Scope)
def test_a_key_may_do_what_its_scope_says_and_nothing_else_whoever_has_it(
    installation: Installation, scope: Scope, operations: Mapping[str, tuple[str, str]]
) -> None:
    mighty = installation.a_house().person(*(role for role in Role if role is not Role.API_ONLY))
    caller = hmac_key(mighty, scope.value, addresses=LOOPBACK)
    for operation in BEHIND_A_TOKEN:
        answer = send(caller, operation, operations)
        if SCOPES.get(operation) is scope:
            assert answer.status_code in {200, 201, 202, 204, 404, 409}, f"{operation}: {answer.text}"
        else:
            problem(answer, 403, "scope_not_allowed")


@pytest.mark.parametrize("operation", [name for name, allowed in ROLES.items() if allowed is None])
def test_a_public_operation_asks_for_no_token(
    nobody: Caller, operation: str, operations: Mapping[str, tuple[str, str]]
) -> None:
    assert send(nobody, operation, operations).status_code in {200, 404, 422}


def test_a_user_with_two_roles_may_do_what_either_may(house: House) -> None:
    both = house.person(Role.TRADER, Role.FINANCE)
    assert both.get("balances").status_code == both.get("ledger/entries").status_code == 200


def test_what_a_role_forbids_leaves_no_receipt(house: House, trader: Caller) -> None:
    before = house.written()
    problem(trader.post("ledger/entries", capital()), 403, "role_not_allowed")
    assert house.written() == before
