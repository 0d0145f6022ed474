"""Compares the chart of accounts with chart.txt, and holds it to its path syntax."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.ids import ConnectionId, UserId
from domain.ledger.accounts import (
    CHART,
    HOUSE,
    AccountClass,
    Bucket,
    NormalSide,
    PortfolioBook,
    Realm,
    UnknownAccount,
    UserBook,
    available,
    describe,
    held,
    receivable,
)

USER, CONNECTION = UserId("a" * 32), ConnectionId("c" * 32)


def read_chart() -> list[tuple[str, ...]]:
    text = (Path(__file__).parent / "chart.txt").read_text()
    _, _, table = text.partition("by hand\n")
    return [tuple(line.split()) for line in table.splitlines()]


ROWS = read_chart()


def full(path: str) -> str:
    return path.replace(":U", f":{USER}").replace(":C:", f":{CONNECTION}:")


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_the_path_says_what_an_account_is(row: tuple[str, ...]) -> None:
    path, account_class, realm, side, guarded, by_hand = row
    account = describe(full(path))
    assert account.path == full(path)
    assert account.account_class is AccountClass(account_class)
    assert account.realm is Realm(realm)
    assert account.normal_side is NormalSide(side)
    assert account.sign == {"debit": 1, "credit": -1, "signed": 0}[side]
    assert account.owner == (USER if guarded == "U" else None)
    assert account.guarded == (guarded == "U")
    assert account.reserved == (by_hand == "reserved")


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_the_path_says_whose_book_an_account_belongs_to(row: tuple[str, ...]) -> None:
    path, realm, guarded = row[0], row[2], row[4]
    portfolio = PortfolioBook(CONNECTION) if realm == "portfolio" else HOUSE
    assert describe(full(path)).book == (UserBook(USER) if guarded == "U" else portfolio)


def test_every_line_of_the_chart_is_shown_by_an_example() -> None:
    shown = [row[0].split(":") for row in ROWS]
    for line in CHART:
        pattern = line.pattern.split(":")
        assert any(is_example(path, pattern) for path in shown), line.pattern


def is_example(path: list[str], pattern: list[str]) -> bool:
    pairs = zip(path, pattern, strict=False)
    return len(path) == len(pattern) and all(want.startswith("<") or part == want for part, want in pairs)


@pytest.mark.parametrize(
    "path",
    [
        "assets",
        "cash:main",
        "assets:psp",
        "assets:bank:main",
        "assets:bank:savings:main",
        "assets:receivable",
        f"assets:receivable:users:{USER}:old",
        "assets:receivable:allowance:old",
        f"liabilities:users:{USER}",
        f"liabilities:users:{USER}:real",
        f"liabilities:users:{USER}:bonus:available",
        f"liabilities:users:{USER}:real:pending",
        f"liabilities:users:{USER}:real:available:more",
        f"liabilities:withdrawals:{USER}",
        "liabilities:deferred:gifts:g1",
        "liabilities:clearing:transfers:old",
        "equity:fx",
        f"memo:users:{USER}:points",
        "memo:points:issued",
        f"portfolio:{CONNECTION}:cash",
        f"portfolio:{CONNECTION}:conversion:btc-usdt",
        f"portfolio:{CONNECTION}:holdings:btc",
        "",
        ":",
        "assets:",
        ":assets",
        "assets::main",
        "Assets:bank:own:main",
        "assets:bank:own:Main",
        "assets:bank:own:_main",
        "assets:bank:own:-main",
        "assets:bank:own:main ",
        "assets:bank:own:main\n",
        "assets:bank:own:café",
        f"assets:bank:own:{'x' * 65}",
        "assets:bank:own:a:b:c:d:e:f",
    ],
)
def test_a_path_outside_the_chart_is_refused(path: str) -> None:
    with pytest.raises(UnknownAccount) as raised:
        describe(path)
    assert raised.value.data == {"account": path}


def test_a_path_has_two_to_eight_segments_of_64_characters_at_most() -> None:
    assert describe(f"expenses:{'x' * 64}").account_class is AccountClass.EXPENSES
    assert describe("assets:bank:own:a:b:c:d:e").realm is Realm.COMPANY


def test_an_endless_path_is_cut_in_the_answer() -> None:
    with pytest.raises(UnknownAccount) as raised:
        describe("x" * 100_000)
    assert raised.value.account == "x" * 256


@given(st.text(alphabet="abU_-:19.é ", max_size=40))
@example("assets:a")
def test_no_text_breaks_the_chart(path: str) -> None:
    with suppress(UnknownAccount):
        assert describe(path).path == path


def test_the_accounts_of_a_user_are_where_the_chart_has_them() -> None:
    for bucket in Bucket:
        assert (describe(available(USER, bucket)).owner, describe(available(USER, bucket)).reserved) == (USER, False)
        assert (describe(held(USER, bucket)).owner, describe(held(USER, bucket)).reserved) == (USER, True)
    assert describe(receivable(USER)).owner == USER
