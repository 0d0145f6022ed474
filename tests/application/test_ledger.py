"""People's entries: whose book they belong to, what a person may post, references, bulk, and reversals."""

from dataclasses import replace
from datetime import timedelta

import pytest

from application import streams
from application.commands import Command
from application.committer import Committer
from application.ledger import find_entry, post_entries, post_entries_each, post_entry, reverse_entry
from application.store import Store
from domain.claims import AlreadyReversed, DuplicateReference
from domain.errors import DomainError, Invalid
from domain.ids import EntryId, UserId
from domain.ledger.book import (
    EffectiveInFuture,
    EntryOwnedByFlow,
    InsufficientFunds,
    OneBookPerEntry,
    ReceivableOpen,
    UnknownAccountOwner,
    UnknownEntry,
)
from domain.ledger.entry import EntryPosted, JournalEntry, ReferenceClaimed, ZeroPosting
from domain.ledger.manual import AccountReserved, KindReserved, ReferenceReserved
from domain.users import NotActive, UnknownUser
from tests.application.memory import Memory
from tests.application.people import ANA, FINANCE, PEOPLE, suspended
from tests.application.world import BOOK, NOW, TENANT, an_id, envelope
from tests.domain.ledger.entries import USER, entry

GRANT = "bank:own +100.00 | user:real:available -100.00"
TAKE = "user:real:available +60.00 | bank:own -60.00"
HOUSE = "bank:own +5.00 | equity:owner -5.00"
HOUSE_BOOK = f"{TENANT}:book-house-2026-11"


def made(name: str, text: str = GRANT, *, reference: str | None = None, kind: str = "adjustment") -> JournalEntry:
    plain = entry(text, id=EntryId(an_id(name)), kind=kind)
    return plain if reference is None else replace(plain, reference=reference)


def posting(name: str, text: str = GRANT, *, reference: str | None = None, actor: UserId = FINANCE) -> Command:
    return post_entry(envelope(name, actor=actor), made(name, text, reference=reference))


@pytest.fixture
def memory() -> Memory:
    return Memory().given(*PEOPLE)


def test_an_entry_goes_to_the_book_of_the_user_whose_accounts_it_touches(memory: Memory) -> None:
    body = memory.when(posting("a")).then((BOOK, EntryPosted(entry=made("a"), posted_at=NOW)))
    assert body == {"id": an_id("a"), "book": f"{USER}"}


def test_an_entry_that_touches_no_guarded_account_goes_to_the_house_book_of_the_month(memory: Memory) -> None:
    body = memory.when(posting("a", HOUSE)).then((HOUSE_BOOK, EntryPosted(entry=made("a", HOUSE), posted_at=NOW)))
    assert body["book"] == "house-2026-11"
    assert posting("a", HOUSE).reads == (streams.user(TENANT, FINANCE),), "nobody decides on a house book"


def test_an_explicit_reference_is_claimed_in_the_same_append(memory: Memory) -> None:
    claimed = ReferenceClaimed(kind="adjustment", reference="invoice 7", entry=EntryId(an_id("a")))
    memory.when(posting("a", reference="invoice 7")).then(
        (streams.reference(TENANT, "adjustment", "invoice 7"), claimed),
        (BOOK, EntryPosted(entry=made("a", reference="invoice 7"), posted_at=NOW)),
    )


def test_a_reference_is_unique_per_tenant_and_kind(memory: Memory) -> None:
    memory.given(posting("a", reference="invoice 7"))
    memory.when(posting("b", reference="invoice 7")).raises(DuplicateReference, reference="invoice 7", entry=an_id("a"))
    memory.given(posting("c", reference="invoice 8"))
    other_kind = made("d", kind="correction", reference="invoice 7")
    memory.given(post_entry(envelope("d", actor=FINANCE), other_kind))


def test_the_owner_of_an_account_must_exist_in_the_tenant(memory: Memory) -> None:
    for owner in (an_id("nobody"), "somebody"):
        memory.when(posting("a", f"bank:own +1.00 | liabilities:users:{owner}:real:available -1.00")).raises(
            UnknownAccountOwner, owner=owner
        )


def test_only_an_active_user_posts(memory: Memory) -> None:
    memory.given(suspended(FINANCE))
    memory.when(posting("a")).raises(NotActive, status="SUSPENDED")
    memory.when(posting("a", actor=UserId(an_id("nobody")))).raises(UnknownUser)


def test_a_guarded_account_is_never_on_its_wrong_side(memory: Memory) -> None:
    memory.given(posting("a"), posting("b", TAKE))
    memory.when(posting("c", TAKE)).raises(
        InsufficientFunds,
        account=f"liabilities:users:{USER}:real:available",
        available={"value": "40.00", "asset": "USD"},
        requested={"value": "60.00", "asset": "USD"},
    )


def test_nothing_is_effective_in_the_future(memory: Memory) -> None:
    later = entry(id=EntryId(an_id("a")), effective_at=NOW + timedelta(microseconds=1))
    memory.when(post_entry(envelope("a", actor=FINANCE), later)).raises(EffectiveInFuture)
    memory.given(post_entry(envelope("a", actor=FINANCE), replace(later, effective_at=NOW)))


def test_nothing_becomes_available_to_who_owes_in_that_asset(memory: Memory) -> None:
    memory.given(posting("owed", "receivable:user +40.00 | bank:own -40.00"))
    memory.when(posting("a")).raises(ReceivableOpen, owed={"value": "40.00", "asset": "USD"})
    memory.given(posting("prepaid", "bank:own +9.00 | user:prepaid:available -9.00"))
    memory.given(posting("paid", "bank:own +100.00 | receivable:user -40.00 | user:real:available -60.00"))


RESERVED = {
    "clearing": ("bank:own +1.00 | clearing:transfers -1.00", AccountReserved),
    "held": ("bank:own +1.00 | user:real:held -1.00", AccountReserved),
    "payable": ("bank:own +1.00 | payable:user -1.00", AccountReserved),
    "deferred": ("bank:own +1.00 | deferred:subscriptions:s1 -1.00", AccountReserved),
    "memo": ("memo:bonus:issued +1.00 | user:bonus -1.00", AccountReserved),
    "portfolio": ("portfolio:c1:holdings +1 | portfolio:c1:external -1", AccountReserved),
    "two books": ("A:real:available +1.00 | B:real:available -1.00", OneBookPerEntry),
}  # fmt: skip


@pytest.mark.parametrize(("text", "error"), RESERVED.values(), ids=RESERVED.keys())
def test_what_belongs_to_a_flow_is_refused_before_any_state_is_read(text: str, error: type[DomainError]) -> None:
    assert issubclass(error, Invalid)
    with pytest.raises(error):
        posting("a", text)


def test_kinds_of_flows_and_references_that_look_like_ids_are_reserved() -> None:
    with pytest.raises(KindReserved):
        post_entry(envelope("a"), made("a", kind="deposit"))
    with pytest.raises(KindReserved):
        post_entry(envelope("a"), made("a", kind="reversal"))
    with pytest.raises(ReferenceReserved):
        posting("a", reference=an_id("another"))


def bulk(*entries: JournalEntry) -> Command:
    return post_entries(envelope("bulk", actor=FINANCE), entries)


def test_a_bulk_posts_all_or_points_at_the_first_bad_entry(memory: Memory) -> None:
    good, bad = made("a"), made("b", "user:real:available +100.01 | bank:own -100.01")
    memory.when(bulk(good, bad, bad)).raises(InsufficientFunds, at=("entries", 1))
    memory.when(bulk(good, made("c", TAKE))).then(
        (BOOK, EntryPosted(entry=good, posted_at=NOW)), (BOOK, EntryPosted(entry=made("c", TAKE), posted_at=NOW))
    )


def test_a_bulk_sees_its_own_references_and_money(memory: Memory) -> None:
    twice = (made("a", reference="r"), made("b", reference="r"))
    memory.when(bulk(*twice)).raises(DuplicateReference, at=("entries", 1), entry=an_id("a"))
    memory.given(bulk(made("a"), made("b", TAKE)))


def test_a_bulk_points_at_what_the_request_alone_shows() -> None:
    with pytest.raises(AccountReserved) as raised:
        bulk(made("a"), made("b", "bank:own +1.00 | user:real:held -1.00"))
    assert raised.value.at == ("entries", 1, "postings", 1, "account")


def test_a_bulk_of_each_says_of_each_what_became_of_it(memory: Memory) -> None:
    entries = (
        made("a", reference="r"), ZeroPosting(at=("postings", 0, "amount")), made("b", reference="r"), made("c", TAKE),
        made("d", TAKE), made("e", "bank:own +1.00 | user:real:held -1.00"), made("f", HOUSE),
    )  # fmt: skip
    body, written = memory.submit(post_entries_each(envelope("bulk", actor=FINANCE), entries))
    assert [result["index"] for result in body["results"]] == list(range(7))
    assert [result.get("id") or result["problem"]["code"] for result in body["results"]] == [
        an_id("a"), "zero_posting", "duplicate_reference", an_id("c"), "insufficient_funds", "account_reserved",
        an_id("f"),
    ]  # fmt: skip
    assert [event.entry.id for _, event in written if isinstance(event, EntryPosted)] == [
        an_id(name) for name in ("a", "c", "f")
    ]
    assert len(written) == 4, "what failed has left nothing, not even its reference"


def test_a_bulk_of_each_is_refused_as_a_whole_to_who_may_not_act(memory: Memory) -> None:
    memory.given(suspended(FINANCE))
    memory.when(post_entries_each(envelope("bulk", actor=FINANCE), (made("a"),))).raises(NotActive)


# Reversals are found in the log, so these run on a real one.


async def reversing(
    store: Store, original: str, name: str, *, effective_at: timedelta = timedelta(0), tenant: str = TENANT
) -> Command:
    asked = envelope(name, tenant=tenant)
    reversal = EntryId(an_id(name))
    return await reverse_entry(
        asked, store, original=an_id(original), reversal=reversal, effective_at=NOW + effective_at, note="why"
    )


@pytest.fixture
async def ledger(committer: Committer) -> Committer:
    for command in (*PEOPLE, posting("a"), posting("house", HOUSE)):
        assert not (await committer.submit(command)).refused
    return committer


@pytest.mark.anyio
@pytest.mark.parametrize(("name", "book"), [("a", USER), ("house", "house-2026-11")])
async def test_a_reversal_negates_its_entry_line_by_line_and_names_it(
    *, name: str, book: str, ledger: Committer, store: Store
) -> None:
    done = await ledger.submit(await reversing(store, name, "r"))
    assert done.accepted() == {"id": an_id("r"), "book": book, "reverses": an_id(name)}
    original, reversal = [await find_entry(store, TENANT, an_id(one)) for one in (name, "r")]
    assert (reversal.reverses, reversal.reference, reversal.kind) == (original.id, original.id, "reversal")
    assert [(line.account, line.amount) for line in reversal.postings] == [
        (line.account, -line.amount) for line in original.postings
    ]


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["a", "house"])
async def test_an_entry_is_reversed_once(*, name: str, ledger: Committer, store: Store) -> None:
    await ledger.submit(await reversing(store, name, "r"))
    again = await ledger.submit(await reversing(store, name, "again"))
    assert again.receipt.answer["code"] == AlreadyReversed.code
    assert again.receipt.answer["data"] == {"entry": an_id(name), "reversal": an_id("r")}


@pytest.mark.anyio
async def test_a_reversal_is_not_reversed_nor_is_what_a_flow_posted(ledger: Committer, store: Store) -> None:
    await ledger.submit(await reversing(store, "a", "r"))
    answer = (await ledger.submit(await reversing(store, "r", "rr"))).receipt.answer
    assert (answer["code"], answer["data"]) == (EntryOwnedByFlow.code, {"entry": an_id("r"), "kind": "reversal"})


@pytest.mark.anyio
async def test_a_reversal_keeps_the_guards_and_the_clock(ledger: Committer, store: Store) -> None:
    await ledger.submit(posting("spent", TAKE))
    refused = await ledger.submit(await reversing(store, "a", "r"))
    assert refused.receipt.answer["code"] == InsufficientFunds.code
    late = await ledger.submit(await reversing(store, "spent", "late", effective_at=timedelta(seconds=1)))
    assert late.receipt.answer["code"] == EffectiveInFuture.code
    assert not (await ledger.submit(await reversing(store, "spent", "undo"))).refused
    assert not (await ledger.submit(await reversing(store, "a", "now"))).refused, "a refusal has taken no claim"


@pytest.mark.anyio
@pytest.mark.usefixtures("ledger")
async def test_an_entry_of_another_tenant_or_of_no_one_is_unknown(store: Store) -> None:
    registered_user = next(event for event in await store.read_stream(streams.user(TENANT, ANA)))
    for tenant, name in (("other", an_id("a")), (TENANT, an_id("nothing")), (TENANT, registered_user.event_id)):
        with pytest.raises(UnknownEntry):
            await find_entry(store, tenant, name)
    with pytest.raises(UnknownEntry):
        await reversing(store, "a", "r", tenant="other")
