"""The shape of the log, its events and receipts: what is dropped, changed or slipped in is found where it happened."""

from dataclasses import replace

import pytest

from application.assets import register_asset
from application.ids import command_id
from application.ledger import post_entry
from domain.assets import coin
from domain.users import SuspendUser
from tests.interfaces.audit.forgery import Books, change, found, positions_of, tamper
from tests.projections.house import BANK, wallet

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("small_ranges")]


async def last_deposit(books: Books) -> int:
    """Append an entry that nothing follows in its stream, and something in the log; return its log position."""
    house = books.house
    await house.deposit(books.bob, 100)
    position = await house.store.head()
    await house.asset("ETH")
    return position


async def test_a_dropped_event(books: Books) -> None:
    position = await last_deposit(books)
    tamper(books.house.urls, "DELETE FROM log.events WHERE notification_id = %s", position)
    assert found(books.house.urls) == {("log positions", position), ("receipts", position)}


async def test_a_dropped_event_at_the_end_of_the_log(books: Books) -> None:
    await books.house.deposit(books.bob, 100)
    head = await books.house.store.head()
    tamper(books.house.urls, "DELETE FROM log.events WHERE notification_id = %s", head)
    assert found(books.house.urls) == {("receipts", head)}


async def test_a_log_that_does_not_begin_at_one(books: Books) -> None:
    tamper(books.house.urls, "DELETE FROM log.events WHERE notification_id = 1")
    assert found(books.house.urls) == {("log positions", 1), ("receipts", 1)}


async def test_a_gap_in_the_versions_of_a_stream(books: Books) -> None:
    position = await last_deposit(books)
    tamper(
        books.house.urls,
        "UPDATE log.events SET originator_version = originator_version + 1 WHERE notification_id = %s",
        position,
    )
    assert found(books.house.urls) == {("stream versions", position)}


async def test_an_append_that_is_not_whole(books: Books) -> None:
    position = await last_deposit(books)
    tamper(books.house.urls, "UPDATE log.events SET append_size = 2 WHERE notification_id = %s", position)
    assert found(books.house.urls) == {("appends", position), ("receipts", position)}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE log.events SET command_id = gen_random_uuid() WHERE notification_id = %s",
        "UPDATE log.events SET actor = 'somebody' WHERE notification_id = %s",
        "UPDATE log.events SET append_id = append_id + 1 WHERE notification_id = %s",
        "UPDATE log.events SET append_index = 3, append_size = 3 WHERE notification_id = %s",
        "UPDATE log.events SET recorded_at = recorded_at + interval '1 microsecond' WHERE notification_id = %s",
    ],
)
async def test_an_append_of_two_commands_actors_numbers_or_moments(books: Books, statement: str) -> None:
    (*_, registered) = await positions_of(books.house, "user.registered.v1")
    tamper(books.house.urls, statement, registered)
    assert ("appends", registered) in found(books.house.urls)


async def test_a_moment_before_the_one_before(books: Books) -> None:
    position = await last_deposit(books)
    earlier = "UPDATE log.{} SET recorded_at = recorded_at - interval '1 hour'"
    tamper(books.house.urls, earlier.format("events") + " WHERE notification_id = %s", position)
    tamper(books.house.urls, earlier.format("receipts") + " WHERE first_log_position = %s", position)
    assert found(books.house.urls) == {("times", position)}


async def test_an_event_in_the_stream_of_another_tenant(books: Books) -> None:
    house = books.house
    (position, *_) = await positions_of(house, "asset.registered.v1")
    tamper(house.urls, "UPDATE log.events SET tenant = 'other' WHERE notification_id = %s", position)
    tamper(house.urls, "UPDATE log.receipts SET tenant = 'other' WHERE first_log_position = %s", position)
    assert found(house.urls) == {("tenants", position)}


async def test_an_event_id_that_occurs_twice(books: Books) -> None:
    first, second = await positions_of(books.house, "asset.registered.v1")
    tamper(books.house.urls, "DROP INDEX log.events_event_id")
    tamper(
        books.house.urls,
        "UPDATE log.events SET event_id = (SELECT event_id FROM log.events WHERE notification_id = %s)"
        " WHERE notification_id = %s",
        first,
        second,
    )
    assert found(books.house.urls) == {("event ids", second)}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"asset":"BTC"', '"asset": "BTC"'),
        ('"company_scale":18', '"company_scale":18.0'),
        ('"company_scale":18', '"company_scale":"18"'),
        ('"company_scale":18', '"company_scale":true'),
        ('"company_scale":18,', ""),
        ('"asset":"BTC"', '"asset":"BTC","more":1'),
        ("}", ""),
    ],
)
async def test_an_event_that_says_something_else_or_says_it_otherwise(books: Books, old: str, new: str) -> None:
    (position, *_) = await positions_of(books.house, "asset.registered.v1")
    change(books.house.urls, position, old=old, new=new)
    assert found(books.house.urls) == {("codec", position)}


async def test_an_event_of_an_unknown_name(books: Books) -> None:
    (position, *_) = await positions_of(books.house, "asset.registered.v1")
    tamper(books.house.urls, "UPDATE log.events SET topic = 'asset.lost.v1' WHERE notification_id = %s", position)
    assert found(books.house.urls) == {("codec", position)}


async def test_an_entry_under_an_id_that_is_not_its_own(books: Books) -> None:
    position = await last_deposit(books)
    tamper(books.house.urls, "UPDATE log.events SET event_id = gen_random_uuid() WHERE notification_id = %s", position)
    assert found(books.house.urls) == {("codec", position)}


async def refuse(books: Books) -> int:
    """Let a command be refused, and something happen afterwards; return the number of the refusal's receipt."""
    house = books.house
    too_much = house.entry((wallet(books.ana), 10**9), (BANK, -(10**9)))
    done = await house.committer.submit(post_entry(house.envelope(), too_much))
    assert done.refused
    await house.asset("ETH")
    return done.receipt.number


async def test_refusals_and_commands_with_nothing_to_do_are_sound(books: Books) -> None:
    house = books.house
    await refuse(books)
    await house.change(SuspendUser(user=books.ana, by="cli:test"))
    await house.change(SuspendUser(user=books.ana, by="cli:test"))
    await house.asset("SOL")
    assert found(house.urls) == set()


async def test_a_receipt_of_a_refusal_that_was_deleted(books: Books) -> None:
    number = await refuse(books)
    head = await books.house.store.head()
    tamper(books.house.urls, "DELETE FROM log.receipts WHERE number = %s", number)
    assert found(books.house.urls) == {("receipts", head)}


async def test_a_refusal_that_points_at_events(books: Books) -> None:
    position = await last_deposit(books)
    tamper(
        books.house.urls,
        """UPDATE log.receipts SET answer = '{"outcome":"refused","code":"x"}' WHERE first_log_position = %s""",
        position,
    )
    assert found(books.house.urls) == {("receipts", position)}


@pytest.mark.parametrize(
    "change_of_receipt",
    [
        "DELETE FROM log.receipts",
        "UPDATE log.receipts SET key = 'k'",
        "UPDATE log.receipts SET command_id = gen_random_uuid()",
        "UPDATE log.receipts SET actor = 'somebody'",
        "UPDATE log.receipts SET last_log_position = last_log_position + 1",
        "UPDATE log.receipts SET first_log_position = null, last_log_position = null",
        """UPDATE log.receipts SET answer = '{"outcome":"perhaps"}'""",
    ],
)
async def test_a_receipt_that_was_changed(books: Books, change_of_receipt: str) -> None:
    position = await last_deposit(books)
    tamper(books.house.urls, change_of_receipt + " WHERE first_log_position = %s", position)
    where = {where for check, where in found(books.house.urls) if check == "receipts"}
    assert {check for check, _ in found(books.house.urls)} == {"receipts"}
    assert position in where or None in where


async def test_a_command_id_derived_from_a_key_is_sound(books: Books) -> None:
    house = books.house
    derived = command_id("system", "cli:test", "a key")
    envelope = replace(house.envelope(tenant="system"), key="a key", command_id=derived)
    await house.do(register_asset(envelope, coin("ETH")))
    assert found(house.urls) == set()
