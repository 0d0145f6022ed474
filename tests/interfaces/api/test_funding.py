"""Refunds, receipts and lists of deposits over HTTP, where a provider's word has settled a deposit."""

from dataclasses import replace

import httpx
import pytest

from application.deposits import record_payment, request_deposit
from application.disputes import record_dispute
from domain.funding.deposit import Deposit, RequestDeposit
from domain.funding.deposit_events import Status
from domain.ids import DepositId, UserId
from domain.users import Role
from tests.application import funded
from tests.domain.funding.facts import STRIPE, usd
from tests.interfaces.api.answers import body, items, problem
from tests.interfaces.api.callers import Caller
from tests.interfaces.api.installation import House
from tests.interfaces.api.office import envelope
from tests.projections.house import name


@pytest.fixture
def operator(house: House) -> Caller:
    return house.the(Role.OPERATOR)


def money(value: str) -> dict[str, str]:
    return {"value": value, "asset": "USD"}


def paid_in(house: House, value: str = "100.00", *, label: str = "d") -> Deposit:
    """Let the trader pay in through a provider that this installation's processes do not know."""
    office, now = house.installation.office, envelope(house.tenant)
    trader = UserId(str(house.trader.user))
    wanted = RequestDeposit(
        deposit=DepositId(name(house.tenant, label)),
        user=trader,
        provider=STRIPE,
        amount=usd(value),
        occurred_at=now.now,
    )
    office.run(office.do(request_deposit(envelope(house.tenant), wanted)))
    known = Deposit(deposit=wanted.deposit, user=trader, provider=STRIPE, amount=wanted.amount, requested_at=now.now)
    fact = replace(funded.payment_of(known, fee="3.99"), tenant=house.tenant, occurred_at=now.now)
    office.run(office.do(record_payment(envelope(house.tenant), known, fact)))
    return replace(known, status=Status.SETTLED, payment=fact.id)


def until_read(house: House, caller: Caller, path: str) -> httpx.Response:
    """Ask when the read model has come to the end of the log."""
    return caller.get(path, after=house.head())


def test_a_provider_that_is_not_there_is_unknown(house: House) -> None:
    answer = house.trader.post("deposits", {"amount": money("10"), "provider": "nobody"})
    problem(answer, 404, "unknown_provider")


def test_a_deposit_is_seen_by_its_user_and_by_those_who_answer_for_it(house: House, operator: Caller) -> None:
    known = paid_in(house)
    one = body(until_read(house, house.trader, f"deposits/{known.deposit}"))
    assert (one["status"], one["amount"], one["fee"]) == ("settled", money("100.00"), money("3.99"))
    assert [step["status"] for step in one["history"]] == ["requested", "settled"]
    assert [each["id"] for each in items(house.trader.get("deposits"))] == [known.deposit]
    other = house.person(Role.TRADER)
    problem(other.get(f"deposits/{known.deposit}"), 404, "unknown_deposit")
    assert items(other.get("deposits")) == []
    for staff in (operator, house.finance, house.auditor):
        assert body(staff.get(f"admin/deposits/{known.deposit}")) == one
        assert [each["id"] for each in items(staff.get("admin/deposits"))] == [known.deposit]


def test_a_refund_is_decided_by_staff_held_at_once_and_asked_for_when_the_provider_is_there(
    house: House, operator: Caller
) -> None:
    known = paid_in(house)
    answer = operator.post("refunds", {"deposit_id": known.deposit, "amount": money("30")}, key="r")
    said = body(answer, 201)
    assert (said["deposit"], said["status"], said["amount"]) == (known.deposit, "requested", money("30.00"))
    again = operator.post("refunds", {"deposit_id": known.deposit, "amount": money("30")}, key="r")
    assert body(again, 201) == said
    assert again.headers["Idempotent-Replayed"] == "true"
    mine = body(until_read(house, house.trader, f"refunds/{said['id']}"))
    assert (mine["status"], mine["requested_by"]) == ("requested", operator.user)
    assert [each["id"] for each in items(operator.get("refunds"))] == [said["id"]]
    held = body(until_read(house, house.trader, "balances"))["balances"]
    assert {(one["state"], one["value"]) for one in held} == {("available", "70.00"), ("held", "30.00")}
    over = operator.post("refunds", {"deposit_id": known.deposit, "amount": money("70.01")})
    assert problem(over, 409, "more_than_deposited")["left"] == money("70.00")
    problem(operator.post("refunds", {"deposit_id": "0" * 32}), 404, "unknown_deposit")


def test_nobody_refunds_their_own_deposit_with_any_of_their_roles(house: House) -> None:
    known = paid_in(house)
    office = house.installation.office
    token = office.token(house.tenant, str(house.trader.user), [Role.FINANCE])
    again = Caller(http=house.trader.http, user=house.trader.user, token=token)
    problem(again.post("refunds", {"deposit_id": known.deposit}), 403, "self_approval")


def test_a_dispute_is_seen_by_staff(house: House, operator: Caller) -> None:
    known, office = paid_in(house), house.installation.office
    fact = replace(funded.dispute_of(known, fee="15.00"), tenant=house.tenant)
    office.run(office.do(record_dispute(envelope(house.tenant), known, fact)))
    (one,) = items(until_read(house, operator, "admin/disputes"))
    assert (one["deposit"], one["status"], one["amount"]) == (known.deposit, "charged_back", money("100.00"))
    assert items(operator.get("admin/disputes", status="won")) == []
    assert items(operator.get("admin/payouts")) == []


def test_a_receipt_is_booked_once_and_finds_its_owner(house: House) -> None:
    receipt = {"bank": "main", "line": "2026-11-20/17", "amount": money("100")}
    made = body(house.finance.post("admin/receipts", receipt), 201)
    problem(house.finance.post("admin/receipts", receipt), 409, "already_booked")
    (one,) = items(house.finance.get("admin/receipts", after=house.head(), unidentified_only="true"))
    assert (one["id"], one["user"], one["line"]) == (made["id"], None, "2026-11-20/17")
    path = f"admin/receipts/{made['id']}/identify"
    problem(house.finance.post(path, {"user_id": house.finance.user}), 403, "self_approval")
    problem(house.finance.post(path, {"user_id": "0" * 32}), 404, "unknown_user")
    body(house.finance.post(path, {"user_id": house.trader.user}))
    problem(house.finance.post(path, {"user_id": house.trader.user}), 409, "already_identified")
    found = body(until_read(house, house.trader, "balances"))["balances"]
    assert [(each["bucket"], each["state"], each["value"]) for each in found] == [("real", "available", "100.00")]
