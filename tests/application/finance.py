"""What finance does beside the flows of users, as the tests of use cases say it."""

from application import streams
from application.client_money import move_client_money
from application.commands import Command
from application.write_offs import give_up, recover_write_off, set_allowance
from domain.funding.allowance import Estimate
from domain.funding.client_money import Direction, MoveClientMoney
from domain.funding.write_off import GivingUp, WriteOff
from domain.ids import EntryId, UserId, WriteOffId
from tests.application.memory import Memory
from tests.application.people import FINANCE
from tests.application.world import NOW, TENANT, an_id, envelope
from tests.domain.ledger.entries import USER, amount

DIRECTIONS = {"top-up": Direction.TOP_UP, "sweep": Direction.SWEEP}


def move(act: str, value: str, *, reference: str = "B 17") -> MoveClientMoney:
    return MoveClientMoney(
        entry=EntryId(an_id(f"{act} {reference}")), direction=DIRECTIONS[act], client="main", own="main",
        amount=amount(value, "USD"), reference=reference, occurred_at=NOW,
    )  # fmt: skip


def moved(act: str, value: str, *, reference: str = "B 17", key: str = "") -> Command:
    return move_client_money(envelope(f"{act} {reference} {key}", actor=FINANCE), move(act, value, reference=reference))


def giving_up(name: str, value: str, *, user: UserId = USER) -> GivingUp:
    write_off = WriteOffId(an_id(f"write-off {name}"))
    return GivingUp(write_off=write_off, user=user, amount=amount(value, "USD"), reason="no answer for a year")


def given_up(name: str, value: str, *, user: UserId = USER, by: UserId = FINANCE) -> Command:
    return give_up(envelope(f"write-off {name}", actor=by), giving_up(name, value, user=user))


def written_off(memory: Memory, name: str) -> WriteOff:
    """Return a write-off as it stands."""
    known = memory.state(streams.write_off(TENANT, an_id(f"write-off {name}")))
    assert isinstance(known, WriteOff)
    return known


def recovered(memory: Memory, name: str, *, by: UserId = FINANCE, key: str = "") -> Command:
    return recover_write_off(envelope(f"recover {name} {key}", actor=by), written_off(memory, name))


def estimate(value: str, *, key: str = "") -> Estimate:
    id = EntryId(an_id(f"allowance {value} {key}"))
    return Estimate(entry=id, level=amount(value, "USD"), reason="month end", occurred_at=NOW)


def provided(value: str, *, key: str = "") -> Command:
    return set_allowance(envelope(f"allowance {key}", actor=FINANCE), estimate(value, key=key))
