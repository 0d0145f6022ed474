from dataclasses import replace

import pytest

from domain.ledger.entry import REVERSAL
from domain.ledger.flows import FLOWS
from domain.ledger.manual import (
    AccountReserved,
    KindReserved,
    ReferenceReserved,
    TooManyPostings,
    check_manual,
    is_manual,
)
from tests.domain.ledger.entries import ENTRY, entry


@pytest.mark.parametrize(
    "text",
    [
        "psp:stripe +1.00 | user:real:available -1.00",
        "bank:own +1.00 | transit:stripe -1.00",
        "custody:kraken +1.00 | taxes:vat -1.00",
        "receivable:user +1.00 | suspense:itau -1.00",
        "user:prepaid:available +1.00 | user:commission:available -1.00",
        "expenses:rent +1.00 | equity:owner -1.00",
        "revenue:refunds +1.00 | revenue:consulting -1.00",
        "assets:equipment:desk +1.00 | liabilities:suppliers:acme -1.00",
    ],
)
def test_people_post_to_accounts_that_no_flow_reserves(text: str) -> None:
    check_manual(entry(text))
    assert is_manual(entry(text))


@pytest.mark.parametrize(
    "text",
    [
        "user:real:available +1.00 | user:real:held -1.00",
        "user:real:available +1.00 | clearing:transfers -1.00",
        "bank:own +1.00 | payable:user -1.00",
        "bank:own +1.00 | deferred:subscriptions:s1 -1.00",
        "bank:own +1.00 | deferred:credits:u1 -1.00",
        "memo:bonus:issued +1.00 | user:bonus -1.00",
        f"portfolio:{'c' * 32}:external +1.00 | portfolio:{'c' * 32}:unassigned -1.00",
    ],
)
def test_clearing_held_payable_deferred_memo_and_portfolio_are_reserved(text: str) -> None:
    made = entry(text)
    with pytest.raises(AccountReserved) as raised:
        check_manual(made)
    line = raised.value.at[1]
    assert isinstance(line, int)
    assert raised.value.at == ("postings", line, "account")
    assert raised.value.data == {"account": made.postings[line].account}
    assert not is_manual(made)


@pytest.mark.parametrize("kind", sorted(FLOWS))
def test_a_flows_kind_is_reserved(kind: str) -> None:
    made = entry(kind=kind)
    with pytest.raises(KindReserved) as raised:
        check_manual(made)
    assert (raised.value.at, raised.value.data) == (("kind",), {"kind": kind})
    assert not is_manual(made)


def test_a_reversal_is_of_no_persons_kind() -> None:
    assert REVERSAL in FLOWS


def test_another_entrys_id_is_no_reference() -> None:
    with pytest.raises(ReferenceReserved) as raised:
        check_manual(replace(entry(), reference="f" * 32))
    assert raised.value.at == ("reference",)


@pytest.mark.parametrize("reference", [ENTRY, "invoice 17", "f" * 31, "F" * 32, "f" * 33])
def test_any_other_text_is_a_reference(reference: str) -> None:
    check_manual(replace(entry(), reference=reference))


def test_a_manual_entry_has_200_postings_at_most() -> None:
    lines = entry("bank:own +1.00 | equity:owner -1.00").postings
    check_manual(replace(entry(), postings=lines * 100))
    with pytest.raises(TooManyPostings) as raised:
        check_manual(replace(entry(), postings=lines * 101))
    assert raised.value.data == {"postings": 202, "most": 200}
