from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.ids import EntryId
from domain.ledger.accounts import Realm, UnknownAccount, describe
from domain.ledger.entry import (
    MalformedEntry,
    Posting,
    TooFewPostings,
    Unbalanced,
    ZeroPosting,
    reversal_of,
)
from domain.money import MAX_UNITS, Amount, AmountTooLarge, Asset, AssetMismatch
from tests.domain.ledger.entries import ENTRY, NOW, entry, path, postings

USD = Asset("USD", 2)
BANK, OWNER = path("bank:own"), path("equity:owner")


def test_an_entry_that_balances_is_an_entry() -> None:
    made = entry("psp:stripe +100.00 | receivable:user -40.00 | user:real:available -60.00")
    assert [posting.amount.units for posting in made.postings] == [10_000, -4_000, -6_000]


def test_an_entry_that_does_not_balance_cannot_be_constructed() -> None:
    with pytest.raises(Unbalanced) as raised:
        entry("psp:stripe +100.00 | user:real:available -99.99")
    assert raised.value.at == ("postings",)
    assert raised.value.data == {
        "asset": "USD",
        "realm": "company",
        "difference": {"value": "0.01", "asset": "USD"},
    }


def test_each_asset_balances_on_its_own() -> None:
    with pytest.raises(Unbalanced):
        entry("bank:own +100.00 | equity:fx:usd-brl -50.00", ("BRL", "bank:own -50.00"))
    made = entry("bank:own +1.00 | equity:fx:usd-brl -1.00", ("BRL", "equity:fx:usd-brl +5.00 | bank:own -5.00"))
    assert len(made.postings) == 4


def test_each_realm_balances_on_its_own() -> None:
    with pytest.raises(Unbalanced) as raised:
        entry("user:bonus +20.00 | revenue:discounts -20.00")
    assert raised.value.realm in {Realm.MEMO, Realm.COMPANY}


def test_two_scales_of_an_asset_never_meet_in_an_entry() -> None:
    lines = (Posting(BANK, Amount(1, USD)), Posting(OWNER, Amount(-1, Asset("USD", 18))))
    with pytest.raises(AssetMismatch):
        replace(entry(), postings=lines)


def test_an_asset_is_the_same_whichever_object_stands_for_it() -> None:
    lines = (Posting(BANK, Amount(1, Asset("USD", 2))), Posting(OWNER, Amount(-1, Asset("USD", 2))))
    assert replace(entry(), postings=lines).postings == lines


def test_an_account_may_occur_in_several_lines() -> None:
    made = entry("psp:stripe +60.00 | psp:stripe +40.00 | user:real:available -100.00")
    assert len(made.postings) == 3


@pytest.mark.parametrize("lines", [(), postings("bank:own +1.00")], ids=["none", "one"])
def test_an_entry_has_at_least_two_lines(lines: tuple[Posting, ...]) -> None:
    with pytest.raises(TooFewPostings) as raised:
        replace(entry(), postings=lines)
    assert raised.value.data == {"postings": len(lines), "least": 2}


def test_a_line_of_zero_is_refused_and_named() -> None:
    with pytest.raises(ZeroPosting) as raised:
        entry("bank:own +1.00 | revenue:credits 0.00 | equity:owner -1.00")
    assert raised.value.at == ("postings", 1, "amount")


@pytest.mark.parametrize("units", [MAX_UNITS, -MAX_UNITS, 10**60])
def test_a_line_stays_below_the_limit(units: int) -> None:
    lines = (Posting(BANK, Amount(units, USD)), Posting(OWNER, Amount(-units, USD)))
    with pytest.raises(AmountTooLarge) as raised:
        replace(entry(), postings=lines)
    assert raised.value.at == ("postings", 0, "amount")


def test_a_line_just_below_the_limit_is_legal() -> None:
    lines = (Posting(BANK, Amount(MAX_UNITS - 1, USD)), Posting(OWNER, Amount(1 - MAX_UNITS, USD)))
    assert replace(entry(), postings=lines).postings == lines


def test_an_unknown_account_is_named_by_its_line() -> None:
    lines = (*postings("bank:own +1.00"), Posting(path("cash:main"), Amount(-1, USD)))
    with pytest.raises(UnknownAccount) as raised:
        replace(entry(), postings=lines)
    assert raised.value.at == ("postings", 1, "account")


@pytest.mark.parametrize("kind", ["", "Deposit", "de-posit", "d1", "a" * 41, "é", "deposit\n", "deposit "])
def test_a_kind_has_1_to_40_letters_and_underscores(kind: str) -> None:
    with pytest.raises(MalformedEntry) as raised:
        replace(entry(), kind=kind)
    assert raised.value.at == ("kind",)
    assert replace(entry(), kind="a_" * 20).kind == "a_" * 20


@pytest.mark.parametrize("text", ["", "x" * 129, "a\nb", "a\u0000", "\x7f", "\u0085", "\u2028", "\ud800"])
def test_a_reference_is_one_line_of_1_to_128_characters(text: str) -> None:
    with pytest.raises(MalformedEntry) as raised:
        replace(entry(), reference=text)
    assert raised.value.at == ("reference",)
    assert replace(entry(), reference="x" * 128).reference == "x" * 128


@pytest.mark.parametrize("text", ["x" * 257, "a\nb", "a\tb", "a\u0000", "\udfff"])
def test_a_note_is_one_line_of_256_characters_at_most(text: str) -> None:
    with pytest.raises(MalformedEntry) as raised:
        replace(entry(), note=text)
    assert raised.value.at == ("note",)


@pytest.mark.parametrize("text", ["", "x" * 256, "Zahlung für März – 50 €", "\U0001f468\u200d\U0001f469", "\u202eabc"])
def test_a_note_may_be_in_any_language(text: str) -> None:
    assert replace(entry(), note=text).note == text


@pytest.mark.parametrize(
    ("metadata", "at"),
    [
        ({str(number): "x" for number in range(17)}, ("metadata",)),
        ({"x" * 65: "x"}, ("metadata",)),
        ({"a\nb": "x"}, ("metadata",)),
        ({"invoice": "x" * 513}, ("metadata", "invoice")),
        ({"invoice": "a\u0000b"}, ("metadata", "invoice")),
    ],
    ids=["pairs", "long key", "key", "long value", "value"],
)
def test_metadata_are_16_pairs_of_one_line_at_most(metadata: dict[str, str], at: tuple[str, ...]) -> None:
    with pytest.raises(MalformedEntry) as raised:
        replace(entry(), metadata=metadata)
    assert raised.value.at[: len(at)] == at
    assert len(replace(entry(), metadata={str(number): "" for number in range(16)}).metadata) == 16


def test_metadata_do_not_change_with_what_they_were_made_of() -> None:
    given_in = {"invoice": "1"}
    made = replace(entry(), metadata=given_in)
    given_in["invoice"] = "2"
    assert made.metadata == {"invoice": "1"}


def test_equal_entries_are_one_in_a_set() -> None:
    made = replace(entry(), metadata={"invoice": "1"})
    assert len({made, replace(entry(), metadata={"invoice": "1"}), entry()}) == 2


def test_an_entry_has_aware_times() -> None:
    naive = datetime(2026, 11, 20)  # noqa: DTZ001 - the very thing that is refused
    with pytest.raises(AssertionError):
        replace(entry(), occurred_at=naive)
    with pytest.raises(AssertionError):
        replace(entry(), effective_at=naive)


def test_a_reversal_negates_every_line_and_names_what_it_reverses() -> None:
    original = entry("psp:stripe +60.00 | psp:stripe +40.00 | user:real:available -100.00")
    made = reversal_of(
        original, id=EntryId("f" * 32), occurred_at=NOW, effective_at=datetime(2026, 11, 19, tzinfo=UTC), note="typo"
    )
    assert made.postings == postings("psp:stripe -60.00 | psp:stripe -40.00 | user:real:available +100.00")
    assert (made.kind, made.reference, made.reverses, made.note) == ("reversal", ENTRY, ENTRY, "typo")
    assert (made.occurred_at, made.effective_at) == (NOW, datetime(2026, 11, 19, tzinfo=UTC))


ACCOUNTS = [path(name) for name in ("bank:own", "psp:stripe", "user:real:available", "revenue:credits", "user:bonus")]
ACCOUNTS += [path("memo:bonus:issued"), path(f"portfolio:{'c' * 32}:holdings"), path(f"portfolio:{'c' * 32}:external")]
lines = st.builds(
    Posting, st.sampled_from(ACCOUNTS), st.builds(Amount, st.integers(-3, 3), st.sampled_from([USD, Asset("BTC", 18)]))
)


@given(st.lists(lines, max_size=6).map(tuple))
def test_an_entry_exists_exactly_where_its_lines_balance(postings: tuple[Posting, ...]) -> None:
    sums: dict[tuple[Realm, str], int] = {}
    for posting in postings:
        key = (describe(posting.account).realm, posting.amount.asset.code)
        sums[key] = sums.get(key, 0) + posting.amount.units
    legal = len(postings) >= 2 and all(posting.amount for posting in postings) and not any(sums.values())
    try:
        made = replace(entry(), postings=postings)
    except Invalid:
        assert not legal
    else:
        assert legal
        back = reversal_of(made, id=EntryId("f" * 32), occurred_at=NOW, effective_at=NOW)
        assert [-posting.amount for posting in back.postings] == [posting.amount for posting in postings]
        assert [posting.account for posting in back.postings] == [posting.account for posting in postings]
