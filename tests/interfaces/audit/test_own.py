"""What one tenant's auditor is shown of a verification: all numbers, the own findings, and nothing of anybody else."""

import json
from typing import Any

import pytest

from interfaces.audit.apart import KEPT
from interfaces.audit.evidence import Seals
from interfaces.audit.own import own_report
from interfaces.audit.verify import verify
from tests.interfaces.audit.forgery import Books, change, entry, forge, tamper
from tests.interfaces.audit.sealing import KEYS, NOTARY, seal
from tests.interfaces.audit.test_evidence_checks import tamper_anything
from tests.projections.house import House, projections_of

pytestmark = pytest.mark.anyio


async def a_stranger(house: House) -> str:
    """Let somebody of another tenant have money; return who."""
    house.tenant = "other"
    await house.open("other")
    zoe = await house.user("zoe")
    await house.deposit(zoe, 777)
    house.tenant = "acme"
    return zoe


def shown(house: House, tenant: str, *, kept: int = KEPT) -> dict[str, Any]:
    verified = verify(house.urls.projector, processes=1, seals=Seals(key=NOTARY.key, nonces=KEYS), kept=kept)
    return own_report(house.urls.projector, verified, tenant)


def check(report: dict[str, Any], name: str) -> dict[str, Any]:
    (one,) = (one for one in report["checks"] if one["check"] == name)
    return dict(one)


async def last_of(house: House, tenant: str) -> int:
    query = "SELECT max(notification_id) FROM log.events WHERE tenant = %s AND topic = 'ledger.entry_posted.v1'"
    return int((await house.execute(query, tenant))[0][0])


async def test_what_is_sound_is_sound_for_every_tenant_with_the_numbers_of_the_installation(books: Books) -> None:
    await a_stranger(books.house)
    acme, other = shown(books.house, "acme"), shown(books.house, "other")
    assert acme == other
    assert (acme["sound"], acme["first_wrong"]) == (True, None)
    assert acme["log_position"] == await books.house.store.head()
    assert all(one["found"] == one["of_others"] == one["not_listed"] == 0 for one in acme["checks"])
    assert {"what": "events", "number": acme["log_position"]} in check(acme, "codec")["looked_at"]


async def test_a_finding_in_an_event_is_shown_to_its_tenant_and_counted_for_all(books: Books) -> None:
    house = books.house
    await a_stranger(house)
    places = {tenant: await last_of(house, tenant) for tenant in ("acme", "other")}
    for position in places.values():
        change(house.urls, position, old="{", new="{ ")
    for tenant, position in places.items():
        codec = check(shown(house, tenant), "codec")
        assert [one["log_position"] for one in codec["findings"]] == [position]
        assert (codec["found"], codec["of_others"]) == (2, 1)
    assert shown(house, "acme")["first_wrong"]["log_position"] == places["acme"]
    nobody = shown(house, "third")
    assert (nobody["sound"], nobody["first_wrong"], check(nobody, "codec")["of_others"]) == (False, None, 2)


async def test_totals_that_do_not_add_up_are_told_to_their_tenant_though_the_last_entry_is_anothers(
    books: Books,
) -> None:
    house = books.house
    await a_stranger(house)
    change(house.urls, await last_of(house, "acme"), old='"amount":"', new='"amount":"1')
    assert check(shown(house, "acme"), "totals")["found"] >= 1
    assert all("acme" in one["what"] for one in check(shown(house, "acme"), "totals")["findings"])
    for name in ("totals", "equation"):
        mine, theirs = check(shown(house, "acme"), name), check(shown(house, "other"), name)
        assert len(mine["findings"]) == mine["found"] == theirs["of_others"]
        assert theirs["findings"] == []


async def test_a_leaf_of_a_tree_is_told_to_its_tenant_though_another_has_the_last_event(books: Books) -> None:
    house = books.house
    zoe = await a_stranger(house)
    await books.house.deposit(books.ana, 1)
    await seal(house)
    tamper_anything(
        house.urls,
        f"UPDATE evidence.liability_tiles SET leaves = (leaves::jsonb - '{zoe}')::json",  # noqa: S608 - an id of ours
    )
    mine, theirs = check(shown(house, "other"), "liabilities"), check(shown(house, "acme"), "liabilities")
    assert zoe in mine["findings"][0]["what"]
    assert mine["found"] == len(mine["findings"]) == theirs["of_others"]
    assert zoe not in json.dumps(shown(house, "acme"))


async def test_a_row_of_a_read_model_is_shown_to_its_tenant(books: Books) -> None:
    house = books.house
    zoe = await a_stranger(house)
    async with projections_of(house.urls):
        await house.caught_up()
    await house.execute("UPDATE accounts_g1.balances SET units = units + 1 WHERE account LIKE %s", f"%{zoe}%")
    mine, theirs = check(shown(house, "other"), "model accounts"), check(shown(house, "acme"), "model accounts")
    assert mine["found"] == len(mine["findings"]) == theirs["of_others"] == 1
    assert zoe in mine["findings"][0]["what"]
    assert zoe not in json.dumps(shown(house, "acme"))


async def test_what_names_nothing_of_anybody_is_shown_to_all(books: Books) -> None:
    house = books.house
    await a_stranger(house)
    await house.deposit(books.ana, 1)
    await seal(house)
    position = await last_of(house, "other")
    tamper(house.urls, "DELETE FROM log.events WHERE notification_id = %s", position)
    for tenant in ("acme", "other"):
        report = shown(house, tenant)
        assert check(report, "log positions")["findings"][0]["log_position"] == position
        assert check(report, "evidence of events")["of_others"] == 0
        assert check(report, "evidence of events")["found"] > 0


async def test_of_more_than_are_kept_the_rest_is_counted_and_not_claimed_to_be_anybodys(books: Books) -> None:
    house = books.house
    await a_stranger(house)
    tamper(house.urls, "UPDATE log.receipts SET key = 'another'")
    ((own, all_),) = await house.execute("SELECT count(*) FILTER (WHERE tenant = 'acme'), count(*) FROM log.receipts")
    receipts = check(shown(house, "acme"), "receipts")
    assert (receipts["found"], len(receipts["findings"]), receipts["of_others"]) == (all_, own, all_ - own)
    few = check(shown(house, "acme", kept=10), "receipts")
    assert (few["found"], few["not_listed"], len(few["findings"]) + few["of_others"]) == (all_, all_ - 10, 10)


async def test_a_guard_that_is_broken_is_found_in_the_book_of_its_owner(books: Books) -> None:
    house = books.house
    await a_stranger(house)
    lines = (f"liabilities:users:{books.ana}:real:available", "50.01 USD"), ("assets:psp:x", "-50.01 USD")
    wrong = await forge(house, (f"acme:book-{books.ana}", entry(*lines, now=house.now)))
    guards = check(shown(house, "acme"), "guards")
    assert [one["log_position"] for one in guards["findings"]] == [wrong]
    assert books.ana not in json.dumps(shown(house, "other"))
