"""What is asked for one by one is done together, after it was asked for, and nobody takes another with them."""

import asyncio
from collections.abc import Sequence

import pytest

from application.gathering import Gathering
from application.tasks import end

pytestmark = pytest.mark.anyio


class Desk:
    """Notes the lists it is given, and is done with each when it is let go on."""

    def __init__(self, *, at_once: int = 1) -> None:
        self.lists: list[list[str]] = []
        self.go_on = asyncio.Semaphore(0)
        self.gathering = Gathering(self._act, at_once=at_once)

    async def _act(self, items: Sequence[str]) -> dict[str, int]:
        number = len(self.lists)
        self.lists.append(list(items))
        await self.go_on.acquire()
        if "broken" in items:
            raise ValueError(number)
        return dict.fromkeys(items, number)

    def ask(self, *items: str) -> asyncio.Task[dict[str, int]]:
        return asyncio.create_task(self.gathering.take(*items))


async def turns() -> None:
    """Let everything run that can."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_is_asked_for_meanwhile_is_done_together_afterwards() -> None:
    desk = Desk()
    first = desk.ask("a")
    await turns()
    later = [desk.ask("a", "b"), desk.ask("c")]
    await turns()
    assert desk.lists == [["a"]]
    desk.go_on.release()
    assert await first == {"a": 0}
    desk.go_on.release()
    assert await asyncio.gather(*later) == [{"a": 1, "b": 1, "c": 1}] * 2
    assert desk.lists == [["a"], ["a", "b", "c"]]


async def test_as_many_lists_are_under_way_as_are_allowed() -> None:
    desk = Desk(at_once=2)
    asked = []
    for item in "abcd":
        asked.append(desk.ask(item))
        await turns()
    assert desk.lists == [["a"], ["b"]]
    for _ in "abc":
        desk.go_on.release()
    assert await asyncio.gather(*asked) == [{"a": 0}, {"b": 1}, {"c": 2, "d": 2}, {"c": 2, "d": 2}]


async def test_whoever_leaves_leaves_the_others_their_answer() -> None:
    desk = Desk()
    leaving, staying = desk.ask("a"), desk.ask("b")
    await turns()
    await end(leaving)
    desk.go_on.release()
    assert await staying == {"a": 0, "b": 0}


async def test_an_error_meets_those_who_were_of_its_list_and_no_later_ones() -> None:
    desk = Desk()
    broken, beside = desk.ask("broken"), desk.ask("a")
    await turns()
    after = desk.ask("b")
    for _ in "ab":
        desk.go_on.release()
    for asked in (broken, beside):
        with pytest.raises(ValueError, match="0"):
            await asked
    assert await after == {"b": 1}
