"""Groups for log.append() made by hand, and copies of its functions with a guard taken out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import psycopg
from psycopg import sql
from pydantic_core import to_json

from application.store import Group
from tests.application.world import TENANT, an_id, envelope

HOUSE = f"{TENANT}:book-house-2026-11"


@dataclass(frozen=True, kw_only=True)
class Fact:
    """An event as it is sent to the database; without a version its stream is written without a base."""

    stream: str = f"{TENANT}:thing-1"
    version: int | None = 1
    name: str = "thing.happened.v1"
    state: bytes = b"{}"


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A command as it is sent to the database: its id's name and its events."""

    name: str = "first"
    tenant: str = TENANT
    facts: tuple[Fact, ...] = field(default=(Fact(),))


def posted(*lines: tuple[object, ...], stream: str = HOUSE, version: int | None = None) -> Fact:
    """Return an entry of lines (account, amount, asset), as it would be stored; nothing checks it."""
    postings = [dict(zip(("account", "amount", "asset"), (*line, "USD")[:3], strict=True)) for line in lines]
    return Fact(
        stream=stream, version=version, name="ledger.entry_posted.v1", state=to_json({"entry": {"postings": postings}})
    )


def group_of(*commands: Sent, bases: Mapping[str, int] | None = None, seen_head: int = 0) -> Group:
    """Return the group of these commands; without `bases` every versioned stream is written from its beginning."""
    group = Group(seen_head=seen_head)
    written = {fact.stream: 0 for sent in commands for fact in sent.facts if fact.version is not None}
    for stream, version in (written if bases is None else bases).items():
        group.place(stream, version)
    for sent in commands:
        _add(group, sent)
    return group


def _add(group: Group, sent: Sent) -> None:
    for index, fact in enumerate(sent.facts):
        place = group.place(fact.stream, fact.version if fact.stream in group.streams else None)
        group.add_event(an_id(f"{sent.name} {index}"), place, name=fact.name, state=fact.state)
    asked = replace(envelope(sent.name, tenant=sent.tenant), command_id=an_id(sent.name))
    group.end_command(asked, name="test", answer='{"outcome":"done","body":{}}')


@dataclass(frozen=True, kw_only=True)
class Without:
    """A rule to take out of an SQL function: the text that states it, and what stands there instead."""

    function: str
    rule: str
    instead: str = ""


def weaken(owner_url: str, *mutations: Without) -> None:
    """Replace functions of the schema `log` by copies that lack a rule."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        for mutation in mutations:
            row = connection.execute("select pg_get_functiondef(%s::regproc)", [f"log.{mutation.function}"]).fetchone()
            assert row is not None
            assert mutation.rule in row[0], f"{mutation.function} has no {mutation.rule!r}"
            connection.execute(sql.SQL(row[0].replace(mutation.rule, mutation.instead)))


_APPEND = f"SELECT outcome FROM log.append({', '.join(['%s'] * 15)})"  # noqa: S608 – nothing but placeholders


def append_now(connection: psycopg.Connection, group: Group) -> str:
    """Append without an event loop; return the outcome."""
    row = connection.execute(_APPEND, group.parameters()).fetchone()
    assert row is not None
    return str(row[0])
