"""Lines of a provider's account that were booked without a claim, or claimed and not booked."""

import pytest

from application import streams
from application.client_money import entry_of_move
from domain.claims import OutsideFactBooked
from domain.ledger.entry import EntryPosted
from tests.application.finance import move
from tests.application.world import NOW, envelope
from tests.domain.funding.facts import DEPOSIT, REQUESTED, SETTLED, STRIPE
from tests.interfaces.audit.forgery import Books, forge, found

pytestmark = pytest.mark.anyio

STREAM = streams.deposit("acme", DEPOSIT)
CLAIM = OutsideFactBooked(source=STRIPE, movement="txn_1", by=DEPOSIT)
CLAIMED = streams.outside_fact("acme", STRIPE, "txn_1")


async def test_a_line_that_was_booked_and_claimed_is_sound(books: Books) -> None:
    await forge(books.house, (STREAM, REQUESTED), (STREAM, SETTLED), (CLAIMED, CLAIM))
    assert found(books.house.urls) == set()


async def test_a_line_that_nobody_claimed(books: Books) -> None:
    position = await forge(books.house, (STREAM, REQUESTED), (STREAM, SETTLED))
    assert found(books.house.urls) == {("claims", position + 1)}


async def test_a_line_that_was_claimed_and_not_booked(books: Books) -> None:
    position = await forge(books.house, (CLAIMED, CLAIM))
    assert found(books.house.urls) == {("claims", position)}


async def test_a_line_claimed_in_the_stream_of_another(books: Books) -> None:
    other = streams.outside_fact("acme", STRIPE, "txn_2")
    position = await forge(books.house, (STREAM, REQUESTED), (STREAM, SETTLED), (other, CLAIM))
    assert found(books.house.urls) == {("claims", position + 2)}


async def test_a_move_of_client_money_without_its_reference(books: Books) -> None:
    made = entry_of_move(envelope("sweep"), move("sweep", "12.00"))
    posted = EntryPosted(entry=made, posted_at=NOW)
    position = await forge(books.house, (streams.house_book("acme", NOW), posted))
    assert found(books.house.urls) == {("claims", position)}
