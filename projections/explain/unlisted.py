"""Things that no read model lists: what their events do to their figures, said here as a read model would say it.

Only explanations look at them. Their entries are in the journal like all others.
"""

from collections.abc import Iterator
from typing import assert_never

from application.log import Recorded
from domain.funding.allowance import AllowanceEvent, AllowanceRestored, AllowanceSet, AllowanceUsed
from domain.funding.write_off import WriteOffMade, WriteOffRecovered
from domain.money import Amount
from projections.changes import Add, Change, Put, Row

WRITE_OFFS = (WriteOffMade, WriteOffRecovered)
ALLOWANCES = (AllowanceSet, AllowanceUsed, AllowanceRestored)


def apply_write_off(recorded: Recorded, event: WriteOffMade | WriteOffRecovered) -> Iterator[Change]:
    """Begin a write-off, or say what was collected of it after all."""
    key: Row = {"tenant": recorded.tenant, "id": event.write_off}
    match event:
        case WriteOffMade(amount=amount, from_allowance=provided):
            money = {"amount": amount.units, "from_allowance": provided.units}
            yield Put("write_offs", key, {**money, **_asset(amount)})
        case WriteOffRecovered(collected=collected):
            yield Put("write_offs", key, {"collected": collected.units})
        case _:
            assert_never(event)


def apply_allowance(recorded: Recorded, event: AllowanceEvent) -> Iterator[Change]:
    """Set what is provided for losses in an asset, take from it, or give back."""
    amount = event.level if isinstance(event, AllowanceSet) else event.amount
    key: Row = {"tenant": recorded.tenant, "asset": amount.asset.code}
    match event:
        case AllowanceSet():
            yield Put("allowances", key, {"level": amount.units, **_asset(amount)})
        case AllowanceUsed():
            yield Add("allowances", key, {"level": -amount.units}, _asset(amount))
        case AllowanceRestored():
            yield Add("allowances", key, {"level": amount.units}, _asset(amount))
        case _:
            assert_never(event)


def _asset(amount: Amount) -> dict[str, str | int]:
    return {"asset": amount.asset.code, "scale": amount.asset.scale}
