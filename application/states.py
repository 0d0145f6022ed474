"""The JSON form of states, by which snapshots are stored: the same wire rules as for events, and a hash of the schema.

A snapshot whose hash is not today's is never read, so a state may change its shape freely.
"""

from functools import lru_cache
from hashlib import sha256
from typing import Any

from pydantic_core import SchemaSerializer, SchemaValidator, ValidationError, to_json

from application.deciders import DECIDERS
from application.streams import decided_as
from application.wire import json_schema_of, schema_of


class UnreadableSnapshot(Exception):
    """A snapshot whose bytes do not decode."""


@lru_cache(maxsize=64)
def _form(kind: str) -> tuple[SchemaValidator, SchemaSerializer, str]:
    annotation = DECIDERS[kind].state
    schema = schema_of(annotation)
    described = to_json(json_schema_of(annotation))
    return SchemaValidator(schema), SchemaSerializer(schema), sha256(described).hexdigest()[:16]


def schema_hash_of(stream: str) -> str:
    """Return the hash that a stream's snapshots must carry to be read."""
    return _form(decided_as(stream))[2]


def encode_state(stream: str, state: Any) -> bytes:
    """Return the JSON of a stream's state."""
    return _form(decided_as(stream))[1].to_json(state)


def decode_state(stream: str, data: bytes) -> Any:
    """Return a stream's state. Raises `UnreadableSnapshot`."""
    try:
        return _form(decided_as(stream))[0].validate_json(data)
    except ValidationError as error:
        raise UnreadableSnapshot(stream) from error
