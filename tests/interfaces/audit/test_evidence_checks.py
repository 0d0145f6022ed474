"""What is changed behind the database's back is found and named: a catalogue of tamperings, and ways to hide them."""

from typing import LiteralString

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg import sql

from application.evidence.follower import EvidenceBroken
from application.evidence.leaves import EVENT_FIELDS, StoredEvent, leaf_hash
from application.evidence.trees import TILE
from interfaces.audit.notary import FileNotary
from interfaces.postgres.configuration import Urls
from tests.interfaces.audit.forgery import Books, change
from tests.interfaces.audit.sealing import NOTARY, evidence, found_under_seal, seal, unsealed
from tests.projections.house import House

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("small_ranges")]

EVENTS, RECEIPTS, CHECKPOINTS = "evidence of events", "evidence of receipts", "checkpoints"
AN_ID = "00000000-0000-4000-8000-000000000000"

# What is changed → (the check that names it, the log position it names; None where a thing has none).
TAMPERINGS: dict[str, tuple[LiteralString, str, int | None]] = {
    "a digit of an amount, in both lines": (
        (
            "UPDATE log.events SET state = overlay(state PLACING '1' FROM position('.00'::bytea IN state) - 1)"
            " WHERE notification_id = {deposit}"
        ),
        EVENTS,
        0,
    ),
    "an event's name": ("UPDATE log.events SET topic = 'user.seen.v1' WHERE notification_id = {deposit}", EVENTS, 0),
    "an event's time, by a microsecond": (
        "UPDATE log.events SET recorded_at = recorded_at + interval '1 microsecond' WHERE notification_id = {deposit}",
        EVENTS,
        0,
    ),
    "an event's stream": (
        (
            "UPDATE log.events SET originator_id = 'acme:book-house-2026-01', originator_version = 77"
            " WHERE notification_id = {deposit}"
        ),
        EVENTS,
        0,
    ),
    "an event's version": (
        "UPDATE log.events SET originator_version = 99 WHERE notification_id = {deposit}",
        EVENTS,
        0,
    ),
    "who acted": ("UPDATE log.events SET actor = 'cli:mallory' WHERE notification_id = {deposit}", EVENTS, 0),
    "the tenant": ("UPDATE log.events SET tenant = 'acm' WHERE notification_id = {deposit}", EVENTS, 0),
    "the command": ("UPDATE log.events SET command_id = '{an_id}' WHERE notification_id = {deposit}", EVENTS, 0),
    "the correlation": (
        "UPDATE log.events SET correlation_id = '{an_id}' WHERE notification_id = {deposit}",
        EVENTS,
        0,
    ),
    "a cause that was none": (
        "UPDATE log.events SET causation_id = '{an_id}' WHERE notification_id = {deposit}",
        EVENTS,
        0,
    ),
    "an event's id": ("UPDATE log.events SET event_id = '{an_id}' WHERE notification_id = {deposit}", EVENTS, 0),
    "the append it belongs to": (
        "UPDATE log.events SET append_id = append_id + 1 WHERE notification_id = {deposit}",
        EVENTS,
        0,
    ),
    "the order of two events": (
        (
            "UPDATE log.events SET notification_id = 2 * {deposit} + 1 - notification_id"
            " WHERE notification_id IN ({deposit}, {deposit} + 1)"
        ),
        EVENTS,
        0,
    ),
    "an event dropped": ("DELETE FROM log.events WHERE notification_id = {deposit}", EVENTS, 1),
    "the last events dropped": ("DELETE FROM log.events WHERE notification_id > {deposit}", EVENTS, None),
    "the last receipts dropped": ("DELETE FROM log.receipts WHERE number > 5", RECEIPTS, None),
    "a receipt's answer": (
        """UPDATE log.receipts SET answer = '{"outcome":"done","body":{}}' WHERE first_log_position = {deposit}""",
        RECEIPTS,
        0,
    ),
    "a space in a receipt's answer": (
        "UPDATE log.receipts SET answer = (answer::text || ' ')::json WHERE first_log_position = {deposit}",
        RECEIPTS,
        0,
    ),
    "a receipt's key": ("UPDATE log.receipts SET key = 'another' WHERE first_log_position = {deposit}", RECEIPTS, 0),
    "what a receipt was asked": (
        "UPDATE log.receipts SET input_hash = sha256('') WHERE first_log_position = {deposit}",
        RECEIPTS,
        0,
    ),
    "a receipt's actor": (
        "UPDATE log.receipts SET actor = 'cli:mallory' WHERE first_log_position = {deposit}",
        RECEIPTS,
        0,
    ),
    "a receipt's time": (
        "UPDATE log.receipts SET recorded_at = recorded_at - interval '1 us' WHERE first_log_position = {deposit}",
        RECEIPTS,
        0,
    ),
}


@pytest.mark.parametrize("what", TAMPERINGS)
async def test_a_change_behind_the_databases_back_is_named(books: Books, what: str) -> None:
    await seal(books.house)
    assert found_under_seal(books.house.urls) == set(), "the books are sound before"
    statement, check, offset = TAMPERINGS[what]
    deposit = await position_of(books, books.deposit)
    tamper_anything(books.house.urls, statement, deposit=deposit, an_id=AN_ID)
    expected = None if offset is None else deposit + offset
    assert (check, expected) in found_under_seal(books.house.urls)


async def position_of(books: Books, event: str) -> int:
    found = await books.house.store.find_event(event)
    assert found is not None
    return found.log_position


GUARDED = ("log.events", "log.receipts", "evidence.tiles", "evidence.checkpoints", "evidence.liabilities")
"""What refuses changes by a trigger."""

NO_EVIDENCE = [
    f"DELETE FROM evidence.{table}"  # noqa: S608 - names of ours
    for table in ("liability_tiles", "liabilities", "tiles", "checkpoints")
]


def tamper_anything(urls: Urls, *statements: str, **values: object) -> None:
    """Run statements as the owner with every guard off: triggers, and what indexes and checks would refuse.

    `{name}` in a statement stands for a value.
    """
    with psycopg.connect(urls.owner) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("ALTER TABLE log.events DROP CONSTRAINT IF EXISTS events_pkey")
        connection.execute("DROP INDEX IF EXISTS log.events_log_position")
        for table in GUARDED:
            named = sql.Identifier(*table.split("."))
            connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER append_only").format(named))
        for template in statements:
            statement = template
            for name, value in values.items():
                statement = statement.replace(f"{{{name}}}", str(value))
            changed = connection.execute(statement.encode()).rowcount
            assert changed != 0 or template in NO_EVIDENCE, "nothing was changed"


async def test_events_slipped_in_at_the_end_are_unsealed_and_counted(books: Books) -> None:
    await seal(books.house)
    assert unsealed(books.house.urls) == 0
    await books.house.deposit(books.bob, 100)
    await books.house.deposit(books.bob, 100)
    assert unsealed(books.house.urls) == 2
    assert found_under_seal(books.house.urls) == set()


# Ways to hide it: the evidence is changed as well.


async def sealed_thrice(books: Books) -> list[str]:
    notes = [await seal(books.house)]
    for _ in range(2):
        await books.house.deposit(books.bob, 100)
        notes.append(await seal(books.house))
    return notes


async def leaf_at(house: House, position: int) -> bytes:
    rows = await house.execute(
        f"SELECT {EVENT_FIELDS} FROM log.events WHERE notification_id = %s",  # noqa: S608 - columns of a constant
        position,
    )
    return leaf_hash(StoredEvent(*rows[0]))


async def test_a_changed_event_whose_hash_was_changed_too_breaks_the_signature_over_it(books: Books) -> None:
    await sealed_thrice(books)
    urls, position = books.house.urls, await position_of(books, books.deposit)
    change(urls, position, old="50.00", new="51.00")
    forged = await leaf_at(books.house, position)
    tamper_anything(
        urls,
        "UPDATE evidence.checkpoints"
        " SET events_tail = overlay(events_tail PLACING decode('{forged}', 'hex') FROM {at})",
        forged=forged.hex(),
        at=32 * (position - 1) + 1,
    )
    found = found_under_seal(urls)
    assert (EVENTS, position) not in found, "the hash fits"
    assert {(CHECKPOINTS, 1)} <= found


async def test_a_note_that_was_written_over_is_not_signed(books: Books) -> None:
    await seal(books.house)
    tamper_anything(books.house.urls, "UPDATE evidence.checkpoints SET note = replace(note, 'receipts', 'receipts 1')")
    assert found_under_seal(books.house.urls) == {(CHECKPOINTS, 1)}


async def test_a_history_signed_again_with_another_key_is_not_ours(books: Books) -> None:
    await seal(books.house)
    tamper_anything(books.house.urls, *NO_EVIDENCE)
    change(books.house.urls, await position_of(books, books.deposit), old="50.00", new="51.00")
    await evidence(books.house, FileNotary(Ed25519PrivateKey.generate())).seal()
    assert (CHECKPOINTS, 1) in found_under_seal(books.house.urls)


async def test_a_checkpoint_that_was_dropped_is_missed(books: Books) -> None:
    await sealed_thrice(books)
    tamper_anything(books.house.urls, "DELETE FROM evidence.checkpoints WHERE number = 2")
    assert {check for check, _ in found_under_seal(books.house.urls)} == {CHECKPOINTS, "liabilities"}


async def test_an_old_copy_is_told_by_a_checkpoint_kept_outside(books: Books) -> None:
    *_, last = await sealed_thrice(books)
    head = await books.house.store.head()
    tamper_anything(
        books.house.urls,
        "DELETE FROM log.receipts WHERE last_log_position >= {head}",
        "DELETE FROM log.events WHERE notification_id >= {head}",
        "DELETE FROM evidence.checkpoints WHERE number = 3",
        "DELETE FROM evidence.liabilities WHERE checkpoint = 3",
        head=head,
    )
    assert found_under_seal(books.house.urls) == set(), "in itself the old copy is sound"
    assert found_under_seal(books.house.urls, last) == {(CHECKPOINTS, None)}


async def test_nothing_is_signed_where_trees_lie_under_a_checkpoint_that_is_not_there(books: Books) -> None:
    await sealed_thrice(books)
    tamper_anything(books.house.urls, "DELETE FROM evidence.checkpoints WHERE number = 3")
    with pytest.raises(EvidenceBroken, match="trees of checkpoint 3"):
        await seal(books.house)


async def test_a_past_rewritten_and_signed_with_our_own_key_is_told_by_a_checkpoint_kept_outside(books: Books) -> None:
    kept = await seal(books.house)
    tamper_anything(books.house.urls, *NO_EVIDENCE)
    change(books.house.urls, await position_of(books, books.deposit), old="50.00", new="51.00")
    await seal(books.house)
    assert not {check for check, _ in found_under_seal(books.house.urls)} & {EVENTS, CHECKPOINTS}
    assert (CHECKPOINTS, None) in found_under_seal(books.house.urls, kept)


async def test_a_checkpoint_kept_outside_that_was_forged_is_refused(books: Books) -> None:
    kept = await seal(books.house)
    assert found_under_seal(books.house.urls, kept.replace("receipts ", "receipts 1")) == {(CHECKPOINTS, None)}
    assert found_under_seal(books.house.urls, "no note at all") == {(CHECKPOINTS, None)}


# Tiles: what holds for the leaves behind the last whole tile holds for whole ones.


async def grown_by_tiles(books: Books) -> None:
    for number in range(TILE + 20):
        await books.house.deposit(books.bob, 100 + number)


async def test_what_lies_in_whole_tiles_is_named_just_the_same(books: Books) -> None:
    await grown_by_tiles(books)
    await seal(books.house)
    await books.house.deposit(books.bob, 100)
    await seal(books.house)
    urls, position = books.house.urls, await position_of(books, books.deposit)
    assert found_under_seal(urls) == set()
    tamper_anything(urls, "UPDATE evidence.tiles SET root = sha256('') WHERE tree = 'events' AND tile = 0")
    assert (EVENTS, None) in found_under_seal(urls)
    change(urls, position, old="50.00", new="51.00")
    assert (EVENTS, position) in found_under_seal(urls)
    tamper_anything(urls, "DELETE FROM evidence.tiles WHERE tree = 'events'")
    assert {(EVENTS, None), (CHECKPOINTS, 1)} <= found_under_seal(urls)


async def test_the_follower_goes_on_where_it_stopped_and_signs_nothing_on_broken_evidence(books: Books) -> None:
    await seal(books.house)
    await grown_by_tiles(books)
    await seal(books.house)
    assert found_under_seal(books.house.urls) == set()
    await evidence(books.house).seal()
    assert await books.house.execute("SELECT count(*) FROM evidence.checkpoints") == [(2,)], "nothing new to sign"
    tamper_anything(books.house.urls, "UPDATE evidence.tiles SET root = sha256('') WHERE tree = 'events'")
    await books.house.deposit(books.bob, 100)
    with pytest.raises(EvidenceBroken):
        await evidence(books.house, NOTARY).seal()
