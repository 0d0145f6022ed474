"""Published schemas are those of the code, and a change that breaks who reads by them is found, wherever it is."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from dev import schemas
from dev.schemas import FOLDER, breaks, check, generated, published

CORPUS = Path(__file__).parents[1] / "fixtures" / "events"
Schema = dict[str, Any]


def test_the_published_schemas_are_those_of_the_code() -> None:
    assert check() == []
    assert published() == json.loads(json.dumps(generated()))


@pytest.mark.parametrize("name", published())
def test_a_published_schema_is_one_and_allows_every_example(name: str) -> None:
    schema = published()[name]
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    for fact in json.loads((CORPUS / f"{name}.json").read_text()):
        validator.validate(fact)


def entry(schema: Schema) -> Schema:
    found: Schema = schema["properties"]["entry"]
    return found


def posting(schema: Schema) -> Schema:
    found: Schema = entry(schema)["properties"]["postings"]["items"]
    return found


ENTRY, ORDER, USER = "ledger.entry_posted.v1", "order.initialized.v1", "user.registered.v1"
BREAKING: dict[str, tuple[str, Callable[[Schema], object]]] = {
    "a field less": (USER, lambda schema: schema["properties"].pop("user")),
    "a required field more": (
        USER,
        lambda schema: (schema["properties"].update(age={"type": "integer"}), schema["required"].append("age")),
    ),
    "a field that becomes required": (ENTRY, lambda schema: entry(schema)["required"].append("note")),
    "a field that need not be there": (USER, lambda schema: schema["required"].remove("user")),
    "another type": (USER, lambda schema: schema["properties"]["user"].update(type="integer")),
    "another type inside": (ENTRY, lambda schema: posting(schema)["properties"]["amount"].update(type="number")),
    "another pattern": (ENTRY, lambda schema: posting(schema)["properties"]["amount"].update(pattern=".*")),
    "a required field more inside": (
        ENTRY,
        lambda schema: (posting(schema)["properties"].update(line={}), posting(schema)["required"].append("line")),
    ),
    "another format": (ENTRY, lambda schema: schema["properties"]["posted_at"].pop("format")),
    "a word less in a list": (USER, lambda schema: schema["properties"]["status"]["enum"].remove("PENDING")),
    "a word more in a list": (USER, lambda schema: schema["properties"]["status"]["enum"].append("DELETED")),
    "null no longer allowed": (ORDER, lambda schema: schema["properties"]["strategy"]["anyOf"].pop()),
    "another type beside null": (
        ORDER,
        lambda schema: schema["properties"]["strategy"]["anyOf"][0].update(type="integer"),
    ),
    "another field of what may be null": (
        ORDER,
        lambda schema: schema["properties"]["quantity"]["anyOf"][0]["properties"].pop("asset"),
    ),
    "another default": (ENTRY, lambda schema: entry(schema)["properties"]["note"].update(default="none")),
    "metadata of other values": (
        ENTRY,
        lambda schema: entry(schema)["properties"]["metadata"]["additionalProperties"].update(type="integer"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "change"), BREAKING.values(), ids=BREAKING.keys())
def test_a_change_that_breaks_readers_is_found(name: str, change: Callable[[Schema], object]) -> None:
    old = published()[name]
    new = copy.deepcopy(dict(old))
    assert breaks(old, new) == []
    change(new)
    assert breaks(old, new)


HARMLESS: dict[str, tuple[str, Callable[[Schema], object]]] = {
    "an optional field": (USER, lambda schema: schema["properties"].update(referrer={"type": "string"})),
    "an optional field inside": (ENTRY, lambda schema: entry(schema)["properties"].update(period={"type": "string"})),
    "an optional field of a list's items": (ENTRY, lambda schema: posting(schema)["properties"].update(line={})),
    "another order": (
        USER,
        lambda schema: (schema["required"].reverse(), schema["properties"]["status"]["enum"].sort()),
    ),
    "other words for people": (USER, lambda schema: schema.update(description="Another sentence.")),
}


@pytest.mark.parametrize(("name", "change"), HARMLESS.values(), ids=HARMLESS.keys())
def test_a_change_that_breaks_nobody_is_allowed(name: str, change: Callable[[Schema], object]) -> None:
    old = published()[name]
    new = copy.deepcopy(dict(old))
    change(new)
    assert breaks(old, new) == []


def run(folder: Path, *arguments: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(schemas, "FOLDER", folder)
    monkeypatch.setattr(schemas, "published", lambda: published(folder))
    monkeypatch.setattr("sys.argv", ["dev.schemas", *arguments])
    return schemas.main()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path in FOLDER.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def test_a_schema_that_was_not_written_anew_fails_the_check_until_it_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / f"{USER}.json").unlink()
    assert run(folder, "--check", monkeypatch=monkeypatch) == 1
    assert run(folder, monkeypatch=monkeypatch) == 0
    assert run(folder, "--check", monkeypatch=monkeypatch) == 0


def test_what_breaks_readers_fails_the_check_and_is_not_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / f"{USER}.json"
    schema = json.loads(path.read_text())
    schema["properties"]["nickname"] = {"type": "string"}
    schema["required"].append("nickname")
    path.write_text(json.dumps(schema))
    for arguments in (["--check"], []):
        assert run(folder, *arguments, monkeypatch=monkeypatch) == 1
        assert f"{USER}: fact.properties.nickname was" in capsys.readouterr().out
    assert json.loads(path.read_text()) == schema


def test_an_event_that_is_no_longer_read_fails_the_check_unless_it_has_an_upcaster(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "user.promoted.v1.json").write_text("{}")
    assert run(folder, "--check", monkeypatch=monkeypatch) == 1
    monkeypatch.setattr(schemas, "UPCASTERS", {"user.promoted.v1": None})
    assert run(folder, "--check", monkeypatch=monkeypatch) == 0
