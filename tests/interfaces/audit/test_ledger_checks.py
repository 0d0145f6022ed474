"""Each invariant of the ledger, and a log that breaks it: exactly that is found, at the log position where it broke."""

from datetime import timedelta

import pytest

from application import streams
from domain.ledger.entry import EntryReversed
from tests.application.appends import Without, weaken
from tests.interfaces.audit.forgery import Books, change, entry, forge, found, positions_of
from tests.projections.house import BANK, wallet

pytestmark = pytest.mark.anyio

PSP = "assets:psp:stripe"
CLEARING = "liabilities:clearing:transfers"


async def test_1_an_entry_that_does_not_balance(books: Books) -> None:
    house, position = books.house, await posted_at(books, books.deposit)
    await house.deposit(books.ana, 100)
    change(books.house.urls, position, old='"-50.00"', new='"-50.01"')
    last = (await positions_of(house, "ledger.entry_posted.v1"))[-1]
    assert found(house.urls) == {("codec", position), ("entries", position), ("totals", last), ("equation", last)}


async def test_1_an_entry_of_one_line(books: Books) -> None:
    position = await posted_at(books, books.deposit)
    change(books.house.urls, position, old=f",{line(wallet(books.ana), '-50.00')}", new="")
    last = (await positions_of(books.house, "ledger.entry_posted.v1"))[-1]
    assert found(books.house.urls) == {
        ("codec", position), ("entries", position), ("totals", last), ("equation", last),
        ("books", position),
    }  # fmt: skip


async def test_1_a_line_of_zero(books: Books) -> None:
    position = await posted_at(books, books.deposit)
    last = line(wallet(books.ana), "-50.00")
    change(books.house.urls, position, old=last, new=f"{last},{line(PSP, '0.00')}")
    assert found(books.house.urls) == {("codec", position), ("entries", position)}


async def test_1_an_entry_that_balances_only_across_realms(books: Books) -> None:
    position = await posted_at(books, books.deposit)
    change(books.house.urls, position, old=wallet(books.ana), new="memo:bonus:issued")
    last = (await positions_of(books.house, "ledger.entry_posted.v1"))[-1]
    assert found(books.house.urls) == {
        ("codec", position), ("entries", position), ("totals", last), ("equation", last), ("memo", position),
        ("books", position),
    }  # fmt: skip


async def test_3_a_guarded_account_on_its_wrong_side(books: Books) -> None:
    house = books.house
    spent = entry((wallet(books.ana), "50.01 USD"), (PSP, "-50.01 USD"), now=house.now)
    position = await forge(house, (streams.book("acme", books.ana), spent))
    await house.deposit(books.ana, 100)
    assert found(house.urls) == {("guards", position)}


async def test_3_guards_look_at_log_order_and_not_at_accounting_time(books: Books) -> None:
    house = books.house
    await house.deposit(books.bob, 100)
    early = house.now - timedelta(days=9)
    spent = entry((wallet(books.bob), "1.00 USD"), (PSP, "-1.00 USD"), now=house.now, effective_at=early)
    await forge(house, (streams.book("acme", books.bob), spent))
    assert found(house.urls) == set()


async def test_4_a_clearing_account_left_open(books: Books) -> None:
    house = books.house
    weaken(
        house.urls.owner, Without(function="first_uncleared", rule="having sum(p.amount) <> 0", instead="having false")
    )
    taken = entry((wallet(books.ana), "10.00 USD"), (CLEARING, "-10.00 USD"), now=house.now, kind="transfer")
    position = await forge(house, (streams.book("acme", books.ana), taken))
    assert found(house.urls) == {("clearing", position)}


async def test_4_entries_that_meet_in_a_clearing_account_at_different_times(books: Books) -> None:
    position = await transfer(books, later=timedelta(seconds=1))
    assert found(books.house.urls) == {("clearing", position)}


async def test_4_a_transfer_is_sound(books: Books) -> None:
    await transfer(books, later=timedelta(0))
    assert found(books.house.urls) == set()


async def test_5_money_on_an_account_that_belongs_to_neither_side(books: Books) -> None:
    house = books.house
    owner = entry((PSP, "1.00 USD"), ("equity:owner", "-1.00 USD"), now=house.now)
    position = await forge(house, (streams.house_book("acme", house.now), owner))
    change(books.house.urls, position, old="equity:owner", new="elsewhere:owner")
    assert found(house.urls) == {("codec", position), ("equation", position)}


async def test_12_an_entry_that_touches_two_books(books: Books) -> None:
    house = books.house
    gift = entry((wallet(books.ana), "1.00 USD"), (wallet(books.bob), "-1.00 USD"), now=house.now)
    position = await forge(house, (streams.book("acme", books.ana), gift))
    assert found(house.urls) == {("books", position)}


@pytest.mark.parametrize("account", ["bob", "house", "month", "portfolio"])
async def test_12_an_entry_in_a_book_that_is_not_its_own(books: Books, account: str) -> None:
    house, now = books.house, books.house.now
    owned = entry((PSP, "1.00 USD"), (wallet(books.bob), "-1.00 USD"), now=now)
    free = entry((PSP, "1.00 USD"), ("equity:owner", "-1.00 USD"), now=now)
    held = f"portfolio:{books.connection}"
    traded = entry((f"{held}:holdings", "1 USD"), (f"{held}:external", "-1 USD"), now=now)
    written = {
        "bob": (streams.book("acme", books.ana), owned),
        "house": (streams.house_book("acme", now), owned),
        "month": (streams.house_book("acme", now - timedelta(days=40)), free),
        "portfolio": (streams.portfolio_book("acme", books.ana), traded),
    }
    position = await forge(house, written[account])
    assert found(house.urls) == {("books", position)}


async def test_13_a_reversal_that_does_not_negate_its_original(books: Books) -> None:
    position = await reverse(books, books.deposit, "49.99")
    assert found(books.house.urls) == {("reversals", position)}


async def test_13_an_entry_reversed_twice(books: Books) -> None:
    house = books.house
    await house.deposit(books.bob, 700)
    position = await reverse(books, books.reversed, "7.00", user=books.bob)
    assert found(house.urls) == {("reversals", position)}


async def test_13_a_reversal_reversed(books: Books) -> None:
    position = await reverse(books, books.reversal, "-7.00", user=books.bob)
    assert found(books.house.urls) == {("reversals", position)}


async def test_13_a_reversal_of_what_was_never_posted(books: Books) -> None:
    position = await reverse(books, "f" * 32, "1.00")
    assert found(books.house.urls) == {("reversals", position)}


async def test_13_a_reversal_that_comes_before_its_original(books: Books) -> None:
    house, now = books.house, books.house.now
    later = entry((PSP, "1.00 USD"), (wallet(books.ana), "-1.00 USD"), label="later", now=now)
    position = await reverse(books, later.entry.id, "1.00", account=PSP)
    await forge(house, (streams.book("acme", books.ana), later), label="later")
    assert found(house.urls) == {("reversals", position)}


async def test_14_a_trade_booked_twice(books: Books) -> None:
    house, held = books.house, f"portfolio:{books.connection}"
    again = entry(
        (f"{held}:holdings", "1 BTC"),
        (f"{held}:external", "-1 BTC"),
        kind="fill",
        reference=books.key.reference,
        metadata={"trade_id": f"trade-{books.last_order.order}"},
        now=house.now,
    )
    position = await forge(house, (streams.portfolio_book("acme", books.connection), again))
    assert found(house.urls) == {("trades", position)}


@pytest.mark.parametrize("bucket", ["real", "commission"])
async def test_17_money_available_to_somebody_who_owes(books: Books, bucket: str) -> None:
    house, book = books.house, streams.book("acme", books.bob)
    own = f"liabilities:users:{books.bob}:{bucket}:available"
    given = entry((PSP, "5.00 USD"), (own, "-5.00 USD"), label="given", now=house.now)
    await forge(house, (book, given), label="given")
    debt = f"assets:receivable:users:{books.bob}"
    taken = entry((debt, "1.00 USD"), (PSP, "-1.00 USD"), kind="chargeback", now=house.now)
    position = await forge(house, (book, taken))
    assert found(house.urls) == {("receivables", position)}


async def test_17_somebody_who_owes_may_hold_what_is_prepaid(books: Books) -> None:
    house, book = books.house, streams.book("acme", books.bob)
    prepaid = entry(
        (PSP, "5.00 USD"),
        (f"liabilities:users:{books.bob}:prepaid:available", "-5.00 USD"),
        label="given",
        now=house.now,
    )
    debt = entry((f"assets:receivable:users:{books.bob}", "1.00 USD"), (PSP, "-1.00 USD"), now=house.now)
    await forge(house, (book, prepaid), (book, debt))
    assert found(house.urls) == set()


async def test_18_credits_issued_that_nobody_holds(books: Books) -> None:
    house = books.house
    issued = entry(("memo:credits:issued", "5 CREDIT"), ("memo:bonus:issued", "-5 CREDIT"), now=house.now)
    position = await forge(house, (streams.house_book("acme", house.now), issued))
    assert found(house.urls) == {("memo", position)}


async def test_18_credits_granted_are_sound(books: Books) -> None:
    house = books.house
    granted = entry(
        ("memo:credits:issued", "5 CREDIT"), (f"memo:users:{books.ana}:credits", "-5 CREDIT"), now=house.now
    )
    await forge(house, (streams.book("acme", books.ana), granted))
    assert found(house.urls) == set()


async def test_each_tenant_balances_by_itself(books: Books) -> None:
    house = books.house
    await house.open("other")
    house.tenant = "other"
    await house.user("cora")
    assert found(house.urls) == set()


async def posted_at(books: Books, entry_id: str) -> int:
    event = await books.house.store.find_event(entry_id)
    assert event is not None
    return event.log_position


def line(account: str, amount: str) -> str:
    return f'{{"account":"{account}","asset":"USD","amount":"{amount}"}}'


async def transfer(books: Books, *, later: timedelta) -> int:
    """Move money from Ana to Bob in one append; return the log position of its second entry."""
    house, now = books.house, books.house.now
    taken = entry((wallet(books.ana), "10.00 USD"), (CLEARING, "-10.00 USD"), kind="transfer", label="taken", now=now)
    given = entry(
        (CLEARING, "10.00 USD"), (wallet(books.bob), "-10.00 USD"), kind="transfer", now=now, effective_at=now - later
    )
    ana, bob = streams.book("acme", books.ana), streams.book("acme", books.bob)
    return await forge(house, (ana, taken), (bob, given)) + 1


async def reverse(
    books: Books, original: str, amount: str, *, user: str | None = None, account: str | None = None
) -> int:
    """Append a reversal with its claim, as one that was decided has; return the reversal's log position."""
    negative = amount[1:] if amount.startswith("-") else f"-{amount}"
    whose = user or books.ana
    reversal = entry(
        (account or BANK, f"{negative} USD"),
        (wallet(whose), f"{amount} USD"),
        kind="reversal",
        reference=original,
        reverses=original,
        now=books.house.now,
    )
    claim = EntryReversed(entry=reversal.entry.reverses or reversal.entry.id, reversal=reversal.entry.id)
    written = ((streams.reversal("acme", original), claim), (streams.book("acme", whose), reversal))
    return await forge(books.house, *written) + 1
