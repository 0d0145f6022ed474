"""Any event of any class, built from its annotations, as the codec builds its schema."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum
from types import NoneType, UnionType
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from domain.ids import AccountPath, EntryId
from domain.ledger.accounts import Realm, describe
from domain.ledger.entry import JournalEntry, Posting
from domain.money import MAX_UNITS, Amount, Asset

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
LINES = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=20)
ZONES = st.just(UTC) | st.integers(-720, 720).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=ZONES)  # noqa: DTZ001 – bounds are naive
CODES = st.text("ABCXYZ0189", min_size=1, max_size=20)
ASSETS = st.builds(Asset, CODES, st.integers(0, 18))
AMOUNTS = st.builds(Amount, st.integers(-(10**40), 10**40) | st.sampled_from((0, 1, -1)), ASSETS)
USER, CONNECTION = "7" * 32, "c" * 32
ACCOUNTS = (
    "assets:bank:own:main", "assets:psp:stripe", f"liabilities:users:{USER}:real:available", "revenue:credits",
    "memo:bonus:issued", f"memo:users:{USER}:bonus", f"portfolio:{CONNECTION}:holdings", f"portfolio:{CONNECTION}:pnl",
)  # fmt: skip


@st.composite
def entries(draw: st.DrawFn) -> JournalEntry:
    """Return any entry: one to three balanced sets of lines, each of one asset in one realm."""
    postings: list[Posting] = []
    for realm in draw(st.lists(st.sampled_from(Realm), min_size=1, max_size=3, unique=True)):
        accounts = st.sampled_from([AccountPath(path) for path in ACCOUNTS if describe(path).realm is realm])
        asset = draw(ASSETS)
        units = draw(st.lists(st.integers(1 - MAX_UNITS // 8, MAX_UNITS // 8).filter(bool), min_size=1, max_size=6))
        if sum(units):
            units.append(-sum(units))
        else:
            units += [1, -1]
        postings += [Posting(draw(accounts), asset.amount(amount)) for amount in units]
    return JournalEntry(
        id=EntryId("e" * 32),
        kind=draw(st.text("abz_", min_size=1, max_size=40)),
        reference=draw(LINES),
        occurred_at=draw(TIMES),
        effective_at=draw(TIMES),
        postings=tuple(postings),
        note=draw(st.just("") | LINES),
        metadata=draw(st.dictionaries(LINES, LINES, max_size=3)),
        reverses=draw(st.none() | st.just(EntryId("f" * 32))),
    )


_LEAVES: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXTS,
    int: st.integers(),
    bool: st.booleans(),
    datetime: TIMES,
    date: st.dates(),
    Amount: AMOUNTS,
    JournalEntry: entries(),
}


def anything_of(annotation: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 – annotations of every shape meet here
    """Return a strategy for what an annotation allows; raise `TypeError` for one that no event has."""
    if annotation in _LEAVES:
        return _LEAVES[annotation]
    if isinstance(annotation, NewType):
        return anything_of(annotation.__supertype__)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return st.one_of([st.none() if argument is NoneType else anything_of(argument) for argument in arguments])
    if origin is tuple:
        return st.lists(anything_of(arguments[0]), max_size=3).map(tuple)
    if origin is Mapping:
        return st.dictionaries(*(anything_of(argument) for argument in arguments), max_size=3)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return st.sampled_from(annotation)
    if isinstance(annotation, type) and is_dataclass(annotation):
        hints = get_type_hints(annotation)
        return st.builds(annotation, **{field.name: anything_of(hints[field.name]) for field in fields(annotation)})
    raise TypeError(annotation)
