"""Finds the money in answers: by the document, every field that may hold any; in an answer, every one that does."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

NAMES = {"value", "amount", "debit", "credit", "difference"}
"""What a field is called that holds the number of an amount, beside the field `asset`."""

NAMING = {("metadata",), ("subject",)}
"""Fields whose texts name things and are no numbers."""

Path = tuple[str, ...]
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """An object of an answer, by the name of its schema."""

    schema: str
    object: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """An amount in an answer: where it stands, in which objects (the innermost last), what it says, and to whom."""

    path: Path
    owners: tuple[Owner, ...]
    value: str
    asset: str
    reader: str = ""

    @property
    def field(self) -> str:
        """The field of the innermost object of a name of its own."""
        return next(step for step in reversed(self.path) if step not in {"[]", "value"})

    def of(self, schema: str) -> Json:
        """Return the object of a schema that it stands in."""
        return next(owner.object for owner in reversed(self.owners) if owner.schema == schema)


@dataclass(frozen=True, slots=True)
class Document:
    """The OpenAPI document."""

    content: Json

    def operations(self) -> Iterator[tuple[str, str, Json]]:
        """Yield every answer of every operation that is JSON: the operation, the status, and the schema."""
        for methods in self.content["paths"].values():
            for operation in methods.values():
                for status, answer in operation["responses"].items():
                    if status.startswith("2") and "application/json" in answer.get("content", {}):
                        yield operation["operationId"], status, answer["content"]["application/json"]["schema"]

    def money_of(self, schema: Json, path: Path = (), seen: Path = ()) -> Iterator[Path]:
        """Yield the paths of all money that an answer of a schema may hold."""
        name, found = self.resolved(schema)
        if name and name in seen:
            return
        for property_, inner in found.get("properties", {}).items():
            if property_ in NAMES and "asset" in found["properties"] and inner.get("type") == "string":
                yield (*path, property_)
            yield from self.money_of(inner, (*path, property_), (*seen, name))
        for choice in (*found.get("anyOf", ()), *found.get("oneOf", ())):
            yield from self.money_of(choice, path, seen)
        if "items" in found:
            yield from self.money_of(found["items"], (*path, "[]"), (*seen, name))

    def loose_of(self, schema: Json, path: Path = (), seen: Path = ()) -> Iterator[Path]:
        """Yield the paths of objects whose fields the document does not name, but for texts that name things."""
        name, found = self.resolved(schema)
        if name and name in seen:
            return
        if found.get("type") == "object" and "properties" not in found and path[-1:] not in NAMING:
            yield path
        for property_, inner in found.get("properties", {}).items():
            yield from self.loose_of(inner, (*path, property_), (*seen, name))
        for choice in (*found.get("anyOf", ()), *found.get("oneOf", ())):
            yield from self.loose_of(choice, path, seen)
        if "items" in found:
            yield from self.loose_of(found["items"], (*path, "[]"), (*seen, name))

    def money_in(
        self,
        answer: Any,  # noqa: ANN401 - any JSON
        schema: Json,
        *,
        path: Path = (),
        owners: tuple[Owner, ...] = (),
    ) -> Iterator[Money]:
        """Yield all money of an answer."""
        name, found = self.resolved(schema)
        if isinstance(answer, list):
            for item in answer:
                yield from self.money_in(item, found["items"], path=(*path, "[]"), owners=owners)
        if not isinstance(answer, dict):
            return
        within = (*owners, Owner(schema=name, object=answer)) if name not in {"", "ShownMoney"} else owners
        for property_, inner in found.get("properties", {}).items():
            said = answer.get(property_)
            if property_ in NAMES and "asset" in answer and isinstance(said, str):
                yield Money(path=(*path, property_), owners=within, value=said, asset=answer["asset"])
            elif said is not None:
                yield from self.money_in(said, inner, path=(*path, property_), owners=within)

    def resolved(self, schema: Json) -> tuple[str, Json]:
        """Follow a reference, and the one choice beside null."""
        choices = [choice for choice in schema.get("anyOf", ()) if choice.get("type") != "null"]
        if len(choices) == 1:
            return self.resolved(choices[0])
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return name, self.content["components"]["schemas"][name]
        return "", schema
