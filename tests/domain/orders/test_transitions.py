from pathlib import Path

import pytest

from domain.orders import order
from domain.orders.commands import OrderCommand
from domain.orders.errors import OrderTransitionRefused, UnknownOrder
from domain.orders.terms import Standing
from domain.orders.transitions import TRANSITIONS, OrderFact, Status, document
from tests.domain.given import after
from tests.domain.orders.orders import (
    ACCEPT,
    CANCEL,
    DENY,
    EXPIRE,
    REJECT,
    SUBMIT,
    UNKNOWN,
    fill,
    place,
)

PLACE = place(quantity="1")
HISTORIES: dict[Status | None, tuple[OrderCommand, ...]] = {
    None: (),
    Status.NEW: (PLACE,),
    Status.DENIED: (PLACE, DENY),
    Status.SUBMITTED: (PLACE, SUBMIT),
    Status.ACCEPTED: (PLACE, SUBMIT, ACCEPT),
    Status.PARTIALLY_FILLED: (PLACE, SUBMIT, ACCEPT, fill("0.3")),
    Status.FILLED: (PLACE, SUBMIT, fill("1")),
    Status.CANCELED: (PLACE, SUBMIT, CANCEL),
    Status.EXPIRED: (PLACE, SUBMIT, EXPIRE),
    Status.REJECTED: (PLACE, SUBMIT, REJECT),
}
COMMANDS: dict[OrderFact, OrderCommand] = {
    OrderFact.INITIALIZED: PLACE,
    OrderFact.DENIED: DENY,
    OrderFact.SUBMITTED: SUBMIT,
    OrderFact.OUTCOME_UNKNOWN: UNKNOWN,
    OrderFact.ACCEPTED: ACCEPT,
    OrderFact.REJECTED: REJECT,
    OrderFact.CANCELED: CANCEL,
    OrderFact.EXPIRED: EXPIRE,
    OrderFact.FILLED: fill("0.2", trade_id="another"),
}

# What the table must say, once more and in other words: fact -> status afterwards. A fact that a line does not name is
# refused; "=" is known already and makes no event; a fill's status is followed by how it stands.
EXPECTED = """
-                 initialized>NEW
NEW               denied>DENIED submitted>SUBMITTED accepted>ACCEPTED rejected>REJECTED canceled>CANCELED
NEW               expired>EXPIRED filled>PARTIALLY_FILLED:regular
DENIED            filled>DENIED:unexpected
SUBMITTED         outcome_unknown>SUBMITTED accepted>ACCEPTED rejected>REJECTED canceled>CANCELED expired>EXPIRED
SUBMITTED         filled>PARTIALLY_FILLED:regular
ACCEPTED          outcome_unknown= accepted= rejected>REJECTED canceled>CANCELED expired>EXPIRED
ACCEPTED          filled>PARTIALLY_FILLED:regular
PARTIALLY_FILLED  outcome_unknown= accepted= canceled>CANCELED expired>EXPIRED filled>PARTIALLY_FILLED:regular
FILLED            outcome_unknown= accepted= canceled= expired= filled>FILLED:unexpected
CANCELED          outcome_unknown= accepted= canceled= expired= filled>CANCELED:late
EXPIRED           outcome_unknown= accepted= canceled= expired= filled>EXPIRED:late
REJECTED          outcome_unknown= rejected= filled>REJECTED:unexpected
"""


def read(text: str) -> dict[tuple[Status | None, OrderFact], str]:
    cells = {}
    for name, *words in (line.split() for line in text.strip().splitlines()):
        for word in words:
            fact, outcome = word.split(">") if ">" in word else (word.removesuffix("="), "=")
            cells[None if name == "-" else Status(name), OrderFact(fact)] = outcome
    return cells


OUTCOMES = read(EXPECTED)
PAIRS = [(status, fact) for status in (None, *Status) for fact in OrderFact]


@pytest.mark.parametrize(("status", "fact"), PAIRS)
def test_every_event_in_every_status_has_its_outcome(status: Status | None, fact: OrderFact) -> None:
    reached = after(order, *HISTORIES[status])
    assert (reached.state.status if reached.state else None) == status
    expected = OUTCOMES.get((status, fact))
    when = reached.when(COMMANDS[fact])
    if expected is None:
        when.raises(UnknownOrder) if status is None else when.raises(
            OrderTransitionRefused, status=status.value, event=fact.value
        )
        return
    if expected == "=":
        when.nothing()
        return
    (event,) = order.decide(reached.state, COMMANDS[fact])
    followed = order.evolve(reached.state, event)
    assert followed is not None
    then, _, standing = expected.partition(":")
    assert followed.status == Status(then)
    assert not standing or getattr(event, "standing", None) is Standing(standing)


def test_the_table_has_a_cell_for_every_pair() -> None:
    assert set(TRANSITIONS) == set(PAIRS)


def test_the_document_is_generated_from_the_table() -> None:
    path = Path(__file__).parents[3] / "docs/orders.md"
    regenerate = f"from domain.orders.transitions import document; open('{path.name}', 'w').write(document())"
    assert path.read_text() == document(), f'docs/orders.md is stale, in docs run: python -c "{regenerate}"'
