"""The published JSON Schemas of all events: `python -m dev.schemas` writes schema/events, `--check` compares.

Adding an optional field is the only change that keeps a name: whoever reads events by a published schema is broken by
any other, be it one more word in a list, and it is refused. Such an event takes a new name and an upcaster.
"""

import argparse
import json
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from application.codec import EVENTS
from application.upcasters import UPCASTERS
from application.wire import json_schema_of

FOLDER = Path(__file__).resolve().parents[1] / "schema" / "events"

SAID_TO_PEOPLE = {"title", "description"}

Schema = Mapping[str, Any]


def generated() -> dict[str, Schema]:
    """Return the schema of every event by its stored name."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {name: {**dialect, "title": name, **_titled(json_schema_of(cls), name)} for name, cls in EVENTS.items()}


def published(folder: Path = FOLDER) -> dict[str, Schema]:
    """Return the schemas that stand in a folder."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}


def breaks(old: Schema, new: Schema) -> list[str]:
    """Return what in `new` a reader of `old` does not know, or misses; a field more that is optional is neither."""
    return list(_breaks(old, new, "fact"))


def _breaks(old: object, new: object, at: str) -> Iterator[str]:
    """Compare two parts of a schema. Only an object's optional fields may be more; words for people do not count."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        before, after = ({key: part[key] for key in part.keys() - SAID_TO_PEOPLE} for part in (old, new))
        if "properties" in before and "properties" in after:
            required = after.get("required", ())
            before["properties"] = {**_optional(after["properties"], required), **before["properties"]}
        for key in sorted(before.keys() | after.keys()):
            yield from _breaks(before.get(key), after.get(key), f"{at}.{key}")
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new) and _of_objects(old):
        for index, pair in enumerate(zip(old, new, strict=True)):
            yield from _breaks(*pair, f"{at}[{index}]")
    elif _in_order(old) != _in_order(new):
        yield f"{at} was {_brief(old)} and is {_brief(new)}"


def _optional(properties: Schema, required: Collection[str]) -> Schema:
    return {name: schema for name, schema in properties.items() if name not in required}


def _of_objects(parts: Sequence[object]) -> bool:
    return bool(parts) and isinstance(parts[0], Mapping)


def _in_order(part: object) -> object:
    """Return lists of words in one order: what is required and what is allowed are sets."""
    return sorted(part, key=str) if isinstance(part, list) else part


def _brief(part: object) -> str:
    return "nothing" if part is None else json.dumps(part)[:200]


def _titled(schema: dict[str, Any], name: str) -> dict[str, Any]:
    return {**schema, "title": name}


def check() -> list[str]:
    """Return what is not as it should be: breaking changes, and schemas that were not written anew."""
    before, now = published(), generated()
    lost = before.keys() - now.keys() - UPCASTERS.keys()
    findings = [f"{name} was removed; its facts are for ever: write an upcaster" for name in sorted(lost)]
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
