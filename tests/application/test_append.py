"""log.append() as the app role calls it: what it refuses, and that each refusal is the work of one rule."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from psycopg import IntegrityError, errors

from application.store import Connection, Group, append
from interfaces.postgres.configuration import Urls
from tests.application.appends import HOUSE, Fact, Sent, Without, group_of, posted, weaken
from tests.application.world import TENANT

pytestmark = pytest.mark.anyio

PSP, BANK, BONUS = "assets:psp:stripe", "assets:bank:own:main", "memo:bonus:issued"
HOLDINGS, CLEARING = "portfolio:c1:holdings", "liabilities:clearing:transfers"
THING = f"{TENANT}:thing-1"


def of(*facts: Fact) -> Group:
    return group_of(Sent(facts=facts))


def changed(group: Group, change: Callable[[Group], object]) -> Group:
    change(group)
    return group


def unbalanced(rule: str, instead: str = "false") -> Without:
    return Without(function="first_unbalanced", rule=rule, instead=instead)


def checked(rule: str, instead: str = "false") -> Without:
    return Without(function="check_group", rule=rule, instead=instead)


BALANCE = unbalanced("sum(p.amount) is distinct from 0")
LINES = unbalanced("count(*) < 2")
WHOLE = unbalanced("(p.account, p.asset) is not null", "true")
AMOUNTS = unbalanced("coalesce(p.amount, 0) <> 0", "true")
REALM = unbalanced("case left(p.account, 5) when 'portf' then 2 when 'memo:' then 1 else 0 end", "p.asset")
ASSET = unbalanced("p.asset, case", "case")
CLEARED = Without(function="first_uncleared", rule="having sum(p.amount) <> 0", instead="having false")
PER_APPEND = (
    Without(function="first_uncleared", rule="select e.c", instead="select min(e.c) as c"),
    Without(function="first_uncleared", rule="group by e.c, p.account", instead="group by p.account"),
)
EACH_COMMAND = checked("cardinality(ends) <> any (commands)")
EACH_EVENT = checked("coalesce(ends[cardinality(ends)], 0) <> any (events)")
COMMAND_TEXTS = checked("asked <> 6 * cardinality(ends)")
EVENT_TEXTS = checked("cardinality(facts) <> 2 * coalesce(ends[cardinality(ends)], 0)")
OPEN = Without(function="with_open_streams", rule="!~ '^book-(house|portfolio)-'", instead="is null")
OWN = (
    Without(
        function="insert_group", rule="starts_with(streams[event_streams[n]], asked[6 * c - 5] || ':')", instead="true"
    ),
)
ISOLATION = checked("<> 'read committed'", "= 'none'")


@dataclass(frozen=True)
class Case:
    """What a correct caller never sends, and the rules without which it would be written."""

    sent: Callable[[], Group]
    without: tuple[Without, ...]
    error: type[Exception] = errors.CheckViolation


CASES = {
    "an unbalanced entry": Case(lambda: of(posted((PSP, "100.00"), (BANK, "-99.99"))), (BALANCE,)),
    "NaN": Case(lambda: of(posted((PSP, "NaN"), (BANK, "NaN"))), (BALANCE,)),
    "Infinity": Case(lambda: of(posted((PSP, "Infinity"), (BANK, "-Infinity"))), (BALANCE,)),
    "a zero posting": Case(lambda: of(posted((PSP, "0.00"), (BANK, "0.00"))), (AMOUNTS,)),
    "a minus zero posting": Case(lambda: of(posted((PSP, "1"), (BANK, "-1"), (BANK, "-0"))), (AMOUNTS,)),
    "an entry of one line": Case(lambda: of(posted((PSP, "1.00"))), (BALANCE, LINES)),
    "an entry of no lines": Case(lambda: of(posted()), (BALANCE, LINES, WHOLE, AMOUNTS)),
    "an entry without postings": Case(
        lambda: of(Fact(stream=HOUSE, version=None, name="ledger.entry_posted.v1")), (BALANCE, LINES, WHOLE, AMOUNTS)
    ),
    "a line without an amount": Case(lambda: of(posted((PSP, "1"), (BANK, "-1"), (BANK, None))), (AMOUNTS,)),
    "a line without an account": Case(lambda: of(posted((PSP, "1"), (None, "-1"))), (WHOLE,)),
    "assets that balance each other": Case(
        lambda: of(posted((PSP, "1", "USD"), (BANK, "-1", "EUR"), (PSP, "2", "EUR"), (BANK, "-2", "USD"))), (ASSET,)
    ),
    "realms that balance each other": Case(
        lambda: of(posted((PSP, "1"), (BONUS, "-1"), (BONUS, "2"), (HOLDINGS, "-2"))), (REALM,)
    ),
    "an open clearing account": Case(lambda: of(posted((PSP, "10"), (CLEARING, "-10"))), (CLEARED,)),
    "clearing across two appends": Case(
        lambda: group_of(
            Sent(name="out", facts=(posted((PSP, "10"), (CLEARING, "-10")),)),
            Sent(name="in", facts=(posted((CLEARING, "10"), (PSP, "-10")),)),
        ),
        PER_APPEND,
    ),
    "a stream that has no place": Case(
        lambda: changed(of(Fact()), lambda g: g.event_streams.__setitem__(0, 2)), (), IntegrityError
    ),
    "ends before the events": Case(lambda: changed(of(Fact()), lambda g: g.ends.__setitem__(0, 0)), ()),
    "ends behind the events": Case(lambda: changed(of(Fact()), lambda g: g.ends.__setitem__(0, 2)), ()),
    "ends that go back": Case(
        lambda: changed(group_of(Sent(), Sent(name="no-op", facts=())), lambda g: setattr(g, "ends", [2, 1])),
        (),
        IntegrityError,
    ),
    "a command without an end": Case(
        lambda: changed(group_of(Sent(), Sent(name="no-op", facts=())), lambda g: g.ends.pop()),
        (EACH_COMMAND, COMMAND_TEXTS),
    ),
    "texts beyond the commands": Case(
        lambda: changed(of(Fact()), lambda g: g.commands.append("more")), (COMMAND_TEXTS,)
    ),
    "a text that holds the separator": Case(
        lambda: group_of(Sent(name="one\x1etwo")), ()
    ),
    "a name that holds the separator": Case(
        lambda: of(Fact(name="one\x1etwo")), (EVENT_TEXTS,)
    ),
    "a closed stream without a version": Case(lambda: of(Fact(version=None)), (OPEN,)),
    "an event of another tenant": Case(lambda: of(Fact(stream="other:thing-1")), OWN),
    "a tenant whose name begins alike": Case(lambda: group_of(Sent(tenant="acm", facts=(Fact(),))), OWN),
    "one command twice": Case(lambda: group_of(Sent(facts=()), Sent(facts=())), (), errors.UniqueViolation),
    "an event without an id": Case(lambda: changed(of(Fact()), lambda g: g.event_ids.clear()), (), IntegrityError),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_append_refuses(case: Case, connection: Connection) -> None:
    with pytest.raises(case.error):
        await append(connection, case.sent())
    assert await written(connection) == (0, 0)


@pytest.mark.parametrize(
    "case", [c for c in CASES.values() if c.without], ids=[n for n, c in CASES.items() if c.without]
)
async def test_it_is_this_rule_that_refuses(case: Case, database: Urls, connection: Connection) -> None:
    weaken(database.owner, *case.without)
    await append(connection, case.sent())
    assert await written(connection) != (0, 0)


async def test_a_caller_in_repeatable_read_is_refused(database: Urls, connection: Connection) -> None:
    await connection.execute("begin isolation level repeatable read")
    with pytest.raises(errors.RaiseException, match="READ COMMITTED"):
        await append(connection, of(Fact()))
    await connection.execute("rollback")
    weaken(database.owner, ISOLATION)
    await connection.execute("begin isolation level repeatable read")
    assert (await append(connection, of(Fact()))).outcome == "appended"
    await connection.execute("rollback")


async def written(connection: Connection) -> tuple[int, int]:
    row = await (
        await connection.execute("select (select count(*) from log.events), (select count(*) from log.receipts)")
    ).fetchone()
    assert row is not None
    return row[0], row[1]
