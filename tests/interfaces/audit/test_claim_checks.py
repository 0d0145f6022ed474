"""Claims that stand for nothing, and what should have been claimed and was not."""

import pytest

from application import streams
from domain.claims import EmailClaimed
from domain.ids import EntryId, SubjectId, UserId
from domain.ledger.entry import EntryReversed, ReferenceClaimed
from domain.users import Role, Status, UserRegistered
from tests.interfaces.audit.forgery import Books, entry, forge, found
from tests.projections.house import BANK, name, wallet

pytestmark = pytest.mark.anyio

REFERENCE = streams.reference("acme", "manual", "invoice 1")


async def test_a_reference_that_nobody_claimed(books: Books) -> None:
    house = books.house
    paid = entry((BANK, "1.00 USD"), ("equity:owner", "-1.00 USD"), kind="manual", reference="i", now=house.now)
    position = await forge(house, (streams.house_book("acme", house.now), paid))
    assert found(house.urls) == {("claims", position)}


async def test_a_reference_claimed_for_no_entry(books: Books) -> None:
    claim = ReferenceClaimed(kind="manual", reference="invoice 1", entry=EntryId(books.deposit))
    position = await forge(books.house, (REFERENCE, claim))
    assert found(books.house.urls) == {("claims", position)}


async def test_a_reference_claimed_for_an_entry_that_has_another(books: Books) -> None:
    house = books.house
    paid = entry((BANK, "1.00 USD"), ("equity:owner", "-1.00 USD"), kind="manual", reference="i", now=house.now)
    claim = ReferenceClaimed(kind="manual", reference="invoice 1", entry=paid.entry.id)
    position = await forge(house, (REFERENCE, claim), (streams.house_book("acme", house.now), paid))
    assert found(house.urls) == {("claims", position), ("claims", position + 1)}


async def test_a_reference_claimed_in_the_stream_of_another(books: Books) -> None:
    house = books.house
    paid = entry((BANK, "1.00 USD"), ("equity:owner", "-1.00 USD"), kind="manual", reference="i", now=house.now)
    claim = ReferenceClaimed(kind="manual", reference="i", entry=paid.entry.id)
    position = await forge(house, (REFERENCE, claim), (streams.house_book("acme", house.now), paid))
    assert found(house.urls) == {("claims", position)}


async def test_a_reference_claimed_as_it_should_be_is_sound(books: Books) -> None:
    house = books.house
    paid = entry((BANK, "1.00 USD"), ("equity:owner", "-1.00 USD"), kind="manual", reference="invoice 1", now=house.now)
    claim = ReferenceClaimed(kind="manual", reference="invoice 1", entry=paid.entry.id)
    await forge(house, (REFERENCE, claim), (streams.house_book("acme", house.now), paid))
    assert found(house.urls) == set()


async def test_a_reversal_that_claims_nothing(books: Books) -> None:
    house = books.house
    reversal = entry(
        (BANK, "-50.00 USD"),
        (wallet(books.ana), "50.00 USD"),
        kind="reversal",
        reference=books.deposit,
        reverses=books.deposit,
        now=house.now,
    )
    position = await forge(house, (streams.book("acme", books.ana), reversal))
    assert found(house.urls) == {("claims", position)}


async def test_an_entry_claimed_to_be_reversed_that_is_not(books: Books) -> None:
    claim = EntryReversed(entry=EntryId(books.deposit), reversal=EntryId("f" * 32))
    position = await forge(books.house, (streams.reversal("acme", books.deposit), claim))
    assert found(books.house.urls) == {("claims", position)}


async def test_a_user_whose_address_nobody_claimed(books: Books) -> None:
    user = UserId(name("nobody"))
    registered = UserRegistered(user=user, subject=SubjectId(user), roles=(Role.TRADER,), status=Status.ACTIVE)
    position = await forge(books.house, (streams.user("acme", user), registered))
    assert found(books.house.urls) == {("claims", position)}


async def test_an_address_claimed_for_nobody(books: Books) -> None:
    claim = EmailClaimed(user=UserId("f" * 32))
    position = await forge(books.house, (streams.email("acme", "e" * 32), claim))
    assert found(books.house.urls) == {("claims", position)}
