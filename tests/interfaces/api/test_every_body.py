"""Every route that reads a body, found in the served document: bad numbers, unknown assets, bodies that are none.

A route that comes later is asked too: its money is found by the pattern of its fields, its good body in `BODIES`.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import pytest

from domain.users import Role
from interfaces.api.deprecated import operation_of
from interfaces.api.middleware import BULK_PATHS
from interfaces.api.roles import ROLES
from tests.interfaces.api.answers import pointers, problem
from tests.interfaces.api.callers import Caller
from tests.interfaces.api.installation import House, Installation
from tests.interfaces.api.test_inputs import JSON, NO_AMOUNTS
from tests.interfaces.api.test_roles import BODIES

AMOUNT = r"(0|[1-9][0-9]{0,19})(\.[0-9]{1,18})?$"
NO_UNSIGNED = {**NO_AMOUNTS, "a minus": '"-1.00"'}
MONEY_FIELDS = 15
"""At least so many fields of money there are; fewer found would mean that the search does not see them."""

OF_PORTFOLIOS = {"open_connection"}
"""Portfolios count every asset with eighteen decimals: a dollar has its thousandths there."""

MAY_BE_ZERO = {"set_allowance"}
"""An allowance may come back to nothing: its level is no amount that moves."""
ZEROS = {"zero", "zero with decimals"}

Path = tuple[str | int, ...]


@pytest.fixture(scope="session")
def document(installation: Installation) -> dict[str, Any]:
    found: dict[str, Any] = installation.nobody.get("/openapi.json").json()
    return found


@pytest.fixture(scope="session")
def everybody(house_of_all: House) -> Caller:
    """Somebody who may call everything."""
    return house_of_all.person(*(role for role in Role if role is not Role.API_ONLY))


@pytest.fixture(scope="session")
def house_of_all(installation: Installation) -> House:
    return installation.a_house()


def reading_json(document: Mapping[str, Any]) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Yield operation, method, path and schema of every operation with a body."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if "requestBody" in operation:
                schema = operation["requestBody"]["content"]["application/json"]["schema"]
                yield operation["operationId"], method.upper(), path.replace("{id}", "0" * 32), schema


def amounts(schema: Mapping[str, Any], schemas: Mapping[str, Any], at: Path = ()) -> Iterator[tuple[Path, bool]]:
    """Yield where a body has amounts, and whether each may be null."""
    if "$ref" in schema:
        yield from amounts(schemas[schema["$ref"].rpartition("/")[2]], schemas, at)
    choices = [*schema.get("oneOf", ()), *schema.get("anyOf", ()), *schema.get("allOf", ())]
    for choice in choices:
        for path, nullable in amounts(choice, schemas, at):
            yield path, nullable or (path == at and {"type": "null"} in choices)
    if str(schema.get("pattern", "")).endswith(AMOUNT):
        yield at, False
    for name, field in schema.get("properties", {}).items():
        yield from amounts(field, schemas, (*at, name))
    if "items" in schema:
        yield from amounts(schema["items"], schemas, (*at, 0))


def having(body: Any, path: Path, value: object) -> Any:  # noqa: ANN401 - any JSON
    """Return a body with a value put somewhere; money that is not there yet is made around it."""
    changed = copy.deepcopy(body)
    inside = changed
    for step, following in pairwise(path):
        if isinstance(inside, dict) and step not in inside:
            inside[step] = {"value": "1", "asset": "USD"} if following in {"value", "asset"} else {}
        inside = inside[step]
    inside[path[-1]] = value
    return changed


def pointer(path: Path) -> str:
    return "".join(f"/{step}" for step in path)


def of_money(document: Mapping[str, Any]) -> Iterator[tuple[str, str, str, Path, bool]]:
    """Yield every field of money of every operation: the route, the field, and whether it may be null."""
    schemas = document["components"]["schemas"]
    for operation, method, path, schema in reading_json(document):
        for at, nullable in amounts(schema, schemas):
            yield operation, method, path, at, nullable


def test_the_search_sees_the_money_of_every_route(document: dict[str, Any]) -> None:
    found = [(operation_of(operation), at) for operation, _, _, at, _ in of_money(document)]
    assert len(found) >= MONEY_FIELDS
    assert {operation for operation, _ in found} <= BODIES.keys(), "a route with money has no good body in BODIES"


@pytest.mark.parametrize("operation", BODIES)
def test_no_field_of_money_of_any_route_takes_what_is_no_amount(
    *, everybody: Caller, house_of_all: House, document: dict[str, Any], operation: str
) -> None:
    before = house_of_all.written()
    for one, method, path, at, nullable in of_money(document):
        if operation_of(one) != operation:
            continue
        signed = operation in {"post_entry", "post_entries"}
        for what, amount in (NO_AMOUNTS if signed else NO_UNSIGNED).items():
            if (what == "null" and nullable) or (what in ZEROS and operation in MAY_BE_ZERO):
                continue
            content = json.dumps(having(BODIES[operation], at, "AMOUNT")).replace('"AMOUNT"', amount)
            answer = everybody.send(method, path, content=content.encode(), headers=JSON)
            assert answer.status_code == 422, (operation, at, what, answer.text)
            assert pointers(problem(answer, 422, "invalid_request"))[0] == pointer(at), (operation, what)
    assert house_of_all.written() == before


def test_no_money_of_any_route_is_of_an_unknown_asset_or_finer_than_its_asset(
    *, everybody: Caller, house_of_all: House, document: dict[str, Any]
) -> None:
    before, seen = house_of_all.written(), 0
    for operation, method, path, at, _ in of_money(document):
        if at[-1] != "value":
            continue
        seen += 1
        for field, value, code in (("asset", "DOUBLOON", "unknown_asset"), ("value", "1.005", "too_many_decimals")):
            if field == "value" and operation in OF_PORTFOLIOS:
                continue
            place = (*at[:-1], field)
            answer = everybody.send(
                method, path, json=having(BODIES[operation_of(operation)], place, value), headers=JSON
            )
            assert pointers(problem(answer, 422, code)) == [pointer(place)], operation
    assert seen >= MONEY_FIELDS // 2
    assert house_of_all.written() == before


def test_no_route_takes_a_body_that_is_broken_too_large_unknown_or_not_json(
    *, everybody: Caller, house_of_all: House, document: dict[str, Any]
) -> None:
    before, large = house_of_all.written(), b" " * (2 * 1024 * 1024)
    for operation, method, path, _ in reading_json(document):
        good = json.dumps(BODIES.get(operation_of(operation), {})).encode()
        unknown = json.dumps({**BODIES.get(operation_of(operation), {}), "colour": "red"}).encode()
        text = {**JSON, "Content-Type": "text/plain"}
        problem(everybody.send(method, path, content=good[:-1], headers=JSON), 400, "unreadable_json")
        problem(everybody.send(method, path, content=good, headers=text), 415, "unsupported_media_type")
        said = problem(everybody.send(method, path, content=unknown, headers=JSON), 422, "invalid_request")
        assert any(one.endswith("/colour") for one in pointers(said)) or ROLES[operation] is None, operation
        if not path.endswith(BULK_PATHS):
            problem(everybody.send(method, path, content=large, headers=JSON), 413, "body_too_large")
    assert house_of_all.written() == before
