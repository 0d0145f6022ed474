"""Stretches of the log for those who rebuild."""

import pytest

from projections.generations import RebuildRefused
from projections.slices import batches
from tests.projections.house import House

pytestmark = pytest.mark.anyio


async def test_a_log_that_was_taken_back_meanwhile_is_not_waited_for(house: House) -> None:
    await house.open()
    head = await house.store.head()
    with pytest.raises(RebuildRefused, match="taken back"):
        async for _ in batches(house.store, ["user.registered.v1"], after=0, upto=head + 1):
            pass
