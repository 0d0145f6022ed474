"""Every money field of every answer is explained, to the cent: what the document promises, requests show."""

import asyncio
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql

from domain.users import Role
from interfaces.api.deprecated import ALIASES
from interfaces.api.roles import ROLES
from interfaces.postgres import migrations
from interfaces.postgres.configuration import Urls
from interfaces.postgres.server import EmbeddedServer
from tests.interfaces.api.answers import body, problem
from tests.interfaces.api.callers import Caller
from tests.interfaces.api.entries import BANK, PSP, capital, entry, top_up
from tests.interfaces.api.explaining import BEGUN, EXPLAINED
from tests.interfaces.api.installation import Installation, installed, until
from tests.interfaces.api.money_fields import Document, Money
from tests.interfaces.audit.forgery import Books, some_books
from tests.projections.house import a_house, name, wallet

TENANT = "acme"
NOT_HERE = {"explain", "get_liability_proof"}
"""Operations whose money is that of an explanation itself, or of sums that a proof beside them shows to be right. An
alias shows what its operation shows (test_deprecated.py)."""
STATEMENTS = {
    "get_finance_balance_sheet",
    "get_finance_income",
    "get_finance_trial_balance",
    "get_finance_cash_flow",
    "get_finance_ledger",
}
"""Sums over accounts in rows of texts, of one build: they are not explained; the accounts in them are, as balances."""
LOOSE = {
    "post_entries",
    "approve_proposal",
    "reject_proposal",
    "health_ready",
    "list_events",
    "get_event",
    "ask_upkeep",
    "get_upkeep",
    *STATEMENTS,
}
"""Operations whose answers hold objects that the document leaves open: problems, states, facts, statements, upkeep."""


@dataclass(slots=True)
class Asked:
    """A house in which a little of everything has happened, seen over HTTP, and what its answers have shown so far."""

    installation: Installation
    books: Books
    document: Document
    people: Mapping[str, Caller]
    shown: dict[tuple[str, tuple[str, ...]], list[Money]] = field(default_factory=dict)

    def see(self, operation: str, answer: httpx.Response, *, reader: str = "") -> Any:  # noqa: ANN401 - any JSON
        """Keep all money of an answer to a reader."""
        assert answer.is_success, answer.text
        said = body(answer, answer.status_code)
        schemas = {(id_, status): schema for id_, status, schema in self.document.operations()}
        for money in self.document.money_in(said, schemas[operation, str(answer.status_code)]):
            self.shown.setdefault((operation, money.path), []).append(replace(money, reader=reader))
        return said

    def head(self) -> int:
        return int(self.installation.office.sql("SELECT max(notification_id) FROM log.events")[0][0])


@pytest.fixture(scope="module")
def asked(postgres_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    home: Path = tmp_path_factory.mktemp("explained")
    database = f"explained_{os.getpid()}"
    with psycopg.connect(postgres_server.layout.urls("postgres").owner, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {} template template0").format(sql.Identifier(database)))
        urls = postgres_server.layout.urls(database)
        migrations.migrate(urls.owner)
        books = asyncio.run(_history(urls))
        with installed(urls, home) as installation:
            yield _asked(installation, books)
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(database)))


async def _history(urls: Urls) -> Books:
    async with a_house(urls) as house:
        return await some_books(house)


def _asked(installation: Installation, books: Books) -> Asked:
    def known(user: str, *roles: Role) -> Caller:
        return Caller(http=installation.apis[0], user=user, token=installation.office.token(TENANT, user, roles))

    people = {"ana": known(books.ana, Role.TRADER), "carol": known(name("user", TENANT, "carol"), Role.TRADER)}
    for role in (Role.AUDITOR, Role.FINANCE, Role.OPERATOR):
        user = name(role.value)
        installation.office.create_user(TENANT, user, (role,), email=f"{role}@example.org", password=None)
        people[role.value] = known(user, role)
    document = Document(body(installation.nobody.get("/openapi.json")))
    asked = Asked(installation=installation, books=books, document=document, people=people)
    _command(asked)
    _read(asked)
    return asked


def _command(asked: Asked) -> None:
    """Send the commands whose answers show money."""
    people, see, money = asked.people, asked.see, {"value": "5", "asset": "USD"}
    finance, operator, carol = people["finance"], people["operator"], people["carol"]
    posted = see("post_entry", finance.post("ledger/entries", capital("7.00")))
    see("reverse_entry", finance.post(f"ledger/entries/{posted['id']}/reverse", {}))
    _trade(asked)
    _give_up(asked)
    see("request_deposit", people["ana"].post("deposits", {"amount": money, "provider": "sandbox"}))
    body(finance.post("rates", {"base": "USD", "quote": "BRL", "price": "5.40", "source": "bank"}), 201)
    see("ask_for_quote", carol.post("quotes", {"sold": money, "bought": "BRL"}))
    (settled,) = body(carol.get("deposits", after=asked.head(), status="settled"))["items"]
    see("request_refund", operator.post("refunds", {"deposit_id": settled["id"], "amount": money}))
    to = name("destination", TENANT, carol.user, "iban")
    wanted = carol.post("withdrawals", {"amount": {"value": "50", "asset": "USD"}, "destination_id": to})
    body(operator.post(f"admin/withdrawals/{body(wanted, 201)['id']}/approve"))
    body(operator.get("admin/withdrawals", after=asked.head()))
    see("make_payout_file", operator.post("admin/payout-files", {"asset": "USD"}))


def _give_up(asked: Asked) -> None:
    """Provide for what somebody owes, give it up, and collect it after all."""
    finance, bob, see = asked.people["finance"], asked.books.bob, asked.see
    debt = entry((f"assets:receivable:users:{bob}", "40.00"), (PSP, "-40.00"))
    body(finance.post("ledger/entries", debt), 201)
    provided = {"level": {"value": "12", "asset": "USD"}, "reason": "month end"}
    see("set_allowance", finance.post("admin/allowances", provided))
    wanted = {"user_id": bob, "amount": {"value": "40", "asset": "USD"}, "reason": "gone"}
    made = see("write_off", finance.post("admin/write-offs", wanted))
    body(finance.post("ledger/entries", top_up(bob, "100.00")), 201)
    see("recover_write_off", finance.post(f"admin/write-offs/{made['id']}/recover"))


def _trade(asked: Asked) -> None:
    """Place an order for an amount of the quote, and wait for its end: what moves meanwhile is hard to compare."""
    ana = asked.people["ana"]
    sized = {"connection": asked.books.connection, "instrument": "btc-usdt", "quote_amount": "10"}
    order = body(ana.post("orders", {**sized, "side": "buy", "type": "market"}), 201)["id"]
    until(lambda: ana.get(f"orders/{order}").json().get("status") in {"FILLED", "REJECTED", "DENIED"})


def _read(asked: Asked) -> None:
    """Ask every query that shows money, as whoever may."""
    document = asked.document.content
    with_money = {operation for operation, _ in promised(asked)}
    for path, methods in document["paths"].items():
        operation = methods.get("get", {}).get("operationId")
        if operation not in with_money:
            continue
        for caller in asked.people.values():
            if not _may(asked, caller, operation):
                continue
            for filled, parameters in _filled(asked, caller, path):
                asked.see(operation, caller.get(filled, after=asked.head(), **parameters), reader=caller.user)


def _may(asked: Asked, caller: Caller, operation: str) -> bool:
    role = next((name_ for name_, one in asked.people.items() if one is caller), "")
    allowed = ROLES[operation] or frozenset()
    return (Role(role) if role in {one.value for one in Role} else Role.TRADER) in allowed


def _filled(asked: Asked, caller: Caller, path: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the paths of a route with parameters: one for each thing of the list that it belongs to."""
    if "{" not in path:
        return [(path, {"from": BEGUN}), (path, {})] if path.endswith("/statement") else [(path, {})]
    if "{path}" in path:
        begun: dict[str, Any] = {"from": BEGUN} if path.endswith("/statement") else {}
        return [(path.replace("{path}", BANK), begun), (path.replace("{path}", wallet(asked.books.ana)), {})]
    listed = body(caller.get(path.partition("/{")[0], after=asked.head()))["items"]
    return [(path.replace("{id}", item["id"]), {}) for item in listed]


def promised(asked: Asked) -> set[tuple[str, tuple[str, ...]]]:
    """Return every money field that the document promises, by operation and path."""
    return {
        (operation, path)
        for operation, _, schema in asked.document.operations()
        for path in asked.document.money_of(schema)
        if operation not in NOT_HERE | ALIASES.keys()
    }


def test_every_money_field_that_the_document_promises_is_shown_here(asked: Asked) -> None:
    assert promised(asked) - asked.shown.keys() == set()


def test_every_money_field_of_every_answer_is_explained(asked: Asked) -> None:
    auditor, head = asked.people["auditor"], asked.head()
    answers: dict[str, Any] = {}
    wrong = []
    for (operation, path), found in asked.shown.items():
        for money in found:
            owner = money.owners[-1].schema
            assert owner in EXPLAINED, f"{operation} shows money of {owner}: say how {'.'.join(path)} is explained"
            question = EXPLAINED[owner](money)
            key = str(sorted(question.parameters.items()))
            if key not in answers:
                answers[key] = body(auditor.get("audit/explain", after=head, limit=500, **question.parameters))
            explained = question.answered(answers[key])
            if explained != {"value": money.value, "asset": money.asset}:
                wrong.append((operation, path, money.value, explained))
    assert wrong == []
    assert len(answers) > 50, "many numbers are explained"


def test_no_answer_hides_money_in_objects_that_the_document_leaves_open(asked: Asked) -> None:
    loose = {operation for operation, _, schema in asked.document.operations() if any(asked.document.loose_of(schema))}
    assert loose <= LOOSE


def test_an_explanation_says_who_did_it_with_which_command_and_what_caused_it(asked: Asked) -> None:
    auditor = asked.people["auditor"]
    said = body(auditor.get("audit/explain", account=wallet(asked.books.ana), asset="USD", after=asked.head()))
    assert said["subject"]["normal_side"] == "credit"
    (step,) = said["steps"]
    assert step["entry"]["id"] == asked.books.deposit
    assert step["origin"]["event_id"] == asked.books.deposit
    assert step["origin"]["receipt"].items() >= {"command": "post_entry", "actor": "cli:test"}.items()
    assert said["figures"] == [{"figure": "amount", "amount": {"value": "50.00", "asset": "USD"}}]


@pytest.mark.parametrize(
    ("parameters", "refused"),
    [
        ({}, (422, "subject_unclear")),
        ({"account": BANK}, (422, "subject_unclear")),
        ({"kind": "order"}, (422, "subject_unclear")),
        ({"kind": "position", "connection": "0" * 32}, (422, "subject_unclear")),
        ({"kind": "order", "id": "0" * 32}, (404, "nothing_to_explain")),
        ({"account": BANK, "asset": "DOGE"}, (404, "nothing_to_explain")),
        ({"account": "assets:psp:nobody", "asset": "USD"}, (404, "unknown_account")),
        ({"kind": "dream", "id": "0" * 32}, (422, "invalid_request")),
        ({"account": BANK, "asset": "USD", "cursor": "x"}, (422, "malformed_cursor")),
    ],
)
def test_what_cannot_be_explained_says_why(asked: Asked, parameters: dict[str, Any], refused: tuple[int, str]) -> None:
    problem(asked.people["auditor"].get("audit/explain", **parameters), *refused)


def test_another_tenants_auditor_is_told_nothing(asked: Asked) -> None:
    stranger = asked.installation.a_house().auditor
    total = {"kind": "total", "realm": "company", "asset": "USD"}
    for parameters in ({"kind": "entry", "id": asked.books.deposit}, total):
        problem(stranger.get("audit/explain", after=asked.head(), **parameters), 404, "nothing_to_explain")
    problem(stranger.get("audit/explain", account=BANK, asset="USD", after=asked.head()), 404, "unknown_account")
