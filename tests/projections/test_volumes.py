"""Volume by root and month, and how a model comes to an installation with a history: by a command, or by a worker."""

from datetime import UTC, datetime

import pytest

from projections.generations import list_generations
from projections.models import PROJECTIONS
from projections.reading import NotReached
from projections.rebuild import rebuild
from projections.volumes import Volume, list_volumes
from tests.projections.house import BANK, USD, House, projections_of, until

pytestmark = pytest.mark.anyio

OTHERS = [projection for name, projection in PROJECTIONS.items() if name != "volumes"]


async def a_history(house: House) -> None:
    await house.open()
    ana = await house.user("ana")
    for month, cents in ((1, 100), (1, 250), (2, 7)):
        await house.deposit(ana, cents, effective_at=datetime(2025, month, 31 if month == 1 else 1, tzinfo=UTC))
    await house.post((BANK, -50), ("equity:owner", 50), effective_at=datetime(2025, 2, 3, tzinfo=UTC))


def volume(month: str, root: str, debited: int, *, credited: int, postings: int) -> Volume:
    return Volume(month=month, root=root, debited=USD.amount(debited), credited=USD.amount(credited), postings=postings)


EXPECTED = (
    volume("2025-01", "assets", 350, credited=0, postings=2),
    volume("2025-01", "liabilities", 0, credited=350, postings=2),
    volume("2025-02", "assets", 7, credited=50, postings=2),
    volume("2025-02", "equity", 50, credited=0, postings=1),
    volume("2025-02", "liabilities", 0, credited=7, postings=1),
)


async def volumes(house: House) -> tuple[Volume, ...]:
    async with house.reading() as connection:
        return (await list_volumes(connection)).value


async def test_one_command_builds_a_new_model_over_all_history_and_workers_go_on_from_there(house: House) -> None:
    await a_history(house)
    async with projections_of(house.urls, OTHERS):
        await house.caught_up(*(one.name for one in OTHERS))
        with pytest.raises(NotReached):
            await volumes(house)
        await rebuild([PROJECTIONS["volumes"]], connect=house.connect_projector, store=house.store)
        assert await volumes(house) == EXPECTED
    async with projections_of(house.urls):
        await house.post((BANK, 1), ("equity:owner", -1), effective_at=datetime(2025, 3, 1, tzinfo=UTC))
        await house.caught_up()
    assert (await volumes(house))[:5] == EXPECTED
    assert len(await volumes(house)) == 7


async def test_a_worker_that_knows_a_new_model_shows_it_when_it_is_whole_and_not_before(house: House) -> None:
    await a_history(house)
    async with projections_of(house.urls, OTHERS):
        await house.caught_up(*(one.name for one in OTHERS))
    seen: list[tuple[Volume, ...]] = []

    async def is_there() -> bool:
        try:
            seen.append(await volumes(house))
        except NotReached:
            return False
        return True

    async with projections_of(house.urls):
        await until(is_there)
        await house.caught_up()
    assert seen == [EXPECTED]
    async with house.projector.connection() as connection:
        made = {one.name: one.number for one in await list_generations(connection) if one.role == "live"}
    assert made == dict.fromkeys(PROJECTIONS, 1)
