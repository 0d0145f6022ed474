"""Parts of the log that are folded by two: they end where appends end, and come together in the order of the log."""

import asyncio
from collections.abc import Sequence

import pytest

from projections import parts
from projections.changes import Add, Append, Change, Changes, Put
from projections.generations import Generation
from projections.parts import Part, Shared, parts_of
from tests.projections.house import House

pytestmark = pytest.mark.anyio


async def test_parts_follow_each_other_and_end_where_appends_end(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PART", 2)
    await house.open()
    user = await house.user("ana")
    for _ in range(5):
        await house.deposit(user, 1)
    events = (await house.store.read_after(0, limit=1_000)).events
    found = await parts_of(house.store, events[-1].log_position)
    assert [part.behind for part in found] == [0, *(part.upto for part in found[:-1])]
    assert {part.upto for part in found} <= {one.log_position for one in events if one.ends_append}
    assert sum(part.events for part in found) == len(events)
    assert len(found) > 3
    assert await parts_of(house.store, 0) == []


async def test_the_other_takes_parts_from_the_end_and_they_come_back_in_order() -> None:
    four = [Part(at, at + 10) for at in (0, 10, 20, 30)]
    shared, told, asked = Shared(four), list[int](), list[Part]()

    async def apart(_: Sequence[Generation], part: Part) -> list[Changes]:
        asked.append(part)
        await asyncio.sleep(0)
        changes = Changes()
        changes.take([Put("orders", {"id": "o"}, {"status": f"behind {part.behind}"})])
        return [changes]

    assert shared.take() == four[0]
    await shared.hand_out(apart, [], told.append)
    assert shared.take() is None
    assert asked == [four[3], four[2], four[1]]
    assert told == [10, 10, 10]
    rows = [made.tables["orders"].rows() for (made,) in shared.back]
    assert rows == [[{"id": "o", "status": f"behind {part.behind}"}] for part in four[1:]]


def test_changes_of_parts_come_to_what_all_of_them_come_to() -> None:
    steps: list[Change] = [
        Put("orders", {"id": "o"}, {"status": "NEW", "reason": None}),
        Add("orders", {"id": "o"}, {"filled": 3}),
        Append("fills", {"id": "f"}),
        Put("orders", {"id": "o"}, {"status": "FILLED"}),
        Add("orders", {"id": "o"}, {"filled": 4, "cost": 1}),
        Append("fills", {"id": "g"}),
        Add("balances", {"account": "a"}, {"units": -7}, {"scale": 2}),
    ]
    whole = Changes()
    whole.take(steps)
    for cut in range(len(steps)):
        first, later = Changes(), Changes()
        first.take(steps[:cut])
        later.take(steps[cut:])
        first.merge(later)
        assert {name: (table.appended, table.rows()) for name, table in first.tables.items()} == {
            name: (table.appended, table.rows()) for name, table in whole.tables.items()
        }
