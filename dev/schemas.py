"""The published JSON Schemas of all events: `python -m dev.schemas` writes schema/events, `--check` compares.

A change that breaks a reader of stored events is refused: such an event takes a new name and an upcaster. Adding an
optional field is the only change that keeps a name.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from application.codec import EVENTS
from application.wire import json_schema_of

FOLDER = Path(__file__).resolve().parents[1] / "schema" / "events"

Schema = Mapping[str, Any]


def generated() -> dict[str, Schema]:
    """Return the schema of every event by its stored name."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {name: {**dialect, "title": name, **_titled(json_schema_of(cls), name)} for name, cls in EVENTS.items()}


def published(folder: Path = FOLDER) -> dict[str, Schema]:
    """Return the schemas that stand in a folder."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}


def breaks(old: Schema, new: Schema) -> list[str]:
    """Return why facts written under `old` would no longer be read under `new`; nothing where they would."""
    return list(_breaks(old, new, (old, new), "fact"))


def _breaks(old: Schema, new: Schema, roots: tuple[Schema, Schema], at: str) -> Iterator[str]:  # noqa: PLR0917 - pairs
    old, new = _resolved(old, roots[0]), _resolved(new, roots[1])
    before, after = old.get("properties", {}), new.get("properties", {})
    for name in before.keys() - after.keys():
        yield f"{at}.{name} was removed"
    for name in after.keys() - before.keys():
        if name in new.get("required", ()):
            yield f"{at}.{name} is new and required"
    for name in set(new.get("required", ())) - set(old.get("required", ())):
        if name in before:
            yield f"{at}.{name} became required"
    for name in before.keys() & after.keys():
        yield from _breaks(before[name], after[name], roots, f"{at}.{name}")
    for word in ("items", "additionalProperties"):
        if isinstance(old.get(word), Mapping) and isinstance(new.get(word), Mapping):
            yield from _breaks(old[word], new[word], roots, f"{at}[]")
    yield from _narrowed(old, new, at)


def _narrowed(old: Schema, new: Schema, at: str) -> Iterator[str]:
    for word in ("type", "pattern", "format", "const", "minItems", "maxItems"):
        if old.get(word) != new.get(word):
            yield f"{at}: {word} was {old.get(word)!r} and is {new.get(word)!r}"
    missing = set(map(str, old.get("enum", ()))) - set(map(str, new.get("enum", ())))
    if missing:
        yield f"{at}: {', '.join(sorted(missing))} is no longer allowed"
    for word in ("anyOf", "oneOf", "prefixItems"):
        if len(old.get(word, ())) > len(new.get(word, ())):
            yield f"{at}: {word} lost a form"


def _resolved(schema: Schema, root: Schema) -> Schema:
    while "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        schema = root["$defs"][name]
    return schema


def _titled(schema: dict[str, Any], name: str) -> dict[str, Any]:
    return {**schema, "title": name}


def check() -> list[str]:
    """Return what is not as it should be: breaking changes, and schemas that were not written anew."""
    before, now = published(), generated()
    findings = [f"{name} was removed; its facts are for ever" for name in before.keys() - now.keys()]
    for name in sorted(before.keys() & now.keys()):
        findings += [f"{name}: {reason}" for reason in breaks(before[name], now[name])]
    stale = [name for name, schema in now.items() if before.get(name) != json.loads(json.dumps(schema))]
    return findings + [f"{name}: run `python -m dev.schemas`" for name in stale]


def main() -> int:
    """Check, or write; what breaks a reader is never written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args()
    findings = check()
    breaking = [finding for finding in findings if not finding.endswith("`python -m dev.schemas`")]
    if options.check or breaking:
        print("\n".join(findings) or f"{len(published())} schemas are as published.")
        return 1 if findings else 0
    FOLDER.mkdir(exist_ok=True)
    for name, schema in generated().items():
        (FOLDER / f"{name}.json").write_text(json.dumps(schema, indent=2, sort_keys=True) + "\n")
    print(f"{len(EVENTS)} schemas written to {FOLDER.name}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
