"""The document at /openapi.json says everything a client needs, and the server keeps every promise in it."""

import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import integers, one_of
from schemathesis import Case, CheckFunction, GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from schemathesis.specs.openapi.schemas import OpenApiSchema

from domain.users import Role
from interfaces.api.roles import ROLES
from tests.interfaces.api.answers import MEMBERS
from tests.interfaces.api.callers import Caller
from tests.interfaces.api.installation import Installation

EXAMPLES = 50
METHODS = {"get", "post", "put", "delete", "patch"}


@pytest.fixture(scope="session")
def document(installation: Installation) -> dict[str, Any]:
    answer = installation.nobody.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    found: dict[str, Any] = answer.json()
    return found


def operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert method in METHODS
            yield {"path": path, "method": method, **operation}


def test_every_operation_has_an_id_of_its_own_a_subject_and_a_sentence(document: dict[str, Any]) -> None:
    listed = list(operations(document))
    ids = [one["operationId"] for one in listed]
    assert sorted(ids) == sorted(set(ids))
    for one in listed:
        assert re.fullmatch(r"[a-z_]+", one["operationId"])
        assert one["tags"]
        assert one["description"].endswith(".")


def test_every_operation_says_which_problems_it_may_answer(document: dict[str, Any]) -> None:
    for one in operations(document):
        statuses = {int(status) for status in one["responses"]}
        behind_a_token = ROLES[one["operationId"]] is not None
        assert behind_a_token == bool(one.get("security"))
        if behind_a_token:
            assert statuses >= {401, 403, 422, 500, 503}, one["operationId"]
        if "requestBody" in one:
            assert statuses >= {400, 413, 415, 422}, one["operationId"]
        if "{id}" in one["path"]:
            assert 404 in statuses, one["operationId"]
        for status, answer in one["responses"].items():
            if int(status) >= 400 and one["operationId"] != "health_ready":
                assert list(answer["content"]) == ["application/problem+json"], (one["operationId"], status)
                example = answer["content"]["application/problem+json"]["example"]
                assert example.keys() >= MEMBERS
                assert example["status"] == int(status)


def test_every_body_shows_an_example_of_its_fields(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for one in operations(document):
        if "requestBody" not in one:
            continue
        schema = one["requestBody"]["content"]["application/json"]["schema"]
        for reference in (choice["$ref"] for choice in schema.get("oneOf", [schema])):
            body = schemas[reference.rpartition("/")[2]]
            assert body["additionalProperties"] is False
            assert "example" in str(body) or "$ref" in str(body), reference


def test_amounts_are_documented_as_the_texts_they_are(document: dict[str, Any]) -> None:
    amount = document["components"]["schemas"]["PostingBody"]["properties"]["amount"]
    assert amount["type"] == "string"
    assert amount["pattern"] == r"^-?(0|[1-9][0-9]{0,19})(\.[0-9]{1,18})?$"


def test_the_page_lists_every_operation_and_needs_nothing_from_elsewhere(
    nobody: Caller, document: dict[str, Any]
) -> None:
    page = nobody.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    for one in operations(document):
        assert one["operationId"] in page.text
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", page.text)


@pytest.fixture(scope="session")
def schema(installation: Installation) -> OpenApiSchema:
    return schemathesis.openapi.from_url(f"{installation.apis[0].base_url}/openapi.json")


@pytest.fixture
def everybody(installation: Installation) -> Caller:
    """Somebody who may call everything."""
    return installation.a_house().person(*(role for role in Role if role is not Role.API_ONLY))


def is_position(said: object) -> bool:
    return str(said).isdecimal() and int(str(said)) < 2**63


@pytest.mark.parametrize("operation", ROLES)
def test_every_answer_is_one_that_the_document_promises(
    schema: OpenApiSchema, everybody: Caller, operation: str
) -> None:
    """Half of the requests are as the document wants them and must be answered so; the others must be refused."""
    documented = schema.find_operation_by_id(operation)
    # A parameter that nobody knows changes nothing; an unknown field of a body is refused.
    excluded: list[CheckFunction] = [positive_data_acceptance] + [negative_data_rejection] * (not documented.body)

    tried = 0

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=one_of(*(documented.as_strategy(generation_mode=mode) for mode in GenerationMode)), _=integers())
    def conforms(case: Case[Any], _: int) -> None:
        """Send a request. The number tells examples apart where an operation has nothing to vary."""
        nonlocal tried
        tried += 1
        headers = {"Authorization": f"Bearer {everybody.token}", "Idempotency-Key": uuid.uuid4().hex}
        if case.query and is_position(case.query.get("min_log_position")):
            case.query["min_log_position"] = 0  # Waiting for what never comes is test_lists' subject.
        case.call_and_validate(session=session, headers=headers, excluded_checks=excluded)

    with requests.Session() as session:
        conforms()
    assert tried >= EXAMPLES
