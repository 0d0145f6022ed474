"""The demo's second scene, in a tenant of its own: money comes in by a signed message, moves, and is paid out.

Two people register and prove their addresses; one pays in, sends a part to the other and withdraws another, which an
operator approves and pays. Every figure is compared with what the demo reckons by itself.
"""

import secrets
import time
from contextlib import ExitStack
from dataclasses import dataclass

from interfaces.demo.installation import Installation
from interfaces.demo.rest import Json, Person, RequestRefused

TENANT = "wallets"
PAID_IN, FEE, SENT, WITHDRAWN, CHARGE = 10_000, 399, 2_500, 5_000, 200
"""In cents: Ana pays in and sends; the sandbox keeps 3.99 %; a withdrawal costs 2.00 of what is withdrawn."""
IBAN = "GB82WEST12345698765432"
SETTLED_S = 20
_PAUSE_S = 0.05


@dataclass(frozen=True, slots=True)
class Wallets:
    """What was read back: both wallets, the operator's queue before and after, and the accountant's trial balance."""

    ana: list[Json]
    bob: list[Json]
    queue: list[Json]
    trial_balance: Json
    differences: list[str]


def play(installation: Installation) -> Wallets:
    """Play the scene and compare. Raises `RequestRefused` or `InstallationFailed`."""
    installation.run("tenant", "create", TENANT, "--open-registration", "--auto-approve")
    with ExitStack() as stack:
        operator, finance = (
            stack.enter_context(one) for one in installation.people("operator", "finance", tenant=TENANT)
        )
        ana, bob = (stack.enter_context(_registered(installation, name)) for name in ("ana", "bob"))
        _pay_in(installation, ana)
        ana.post("/transfers", _body(SENT, to_user=bob.get("/me")["id"], note="for lunch"), key="demo-transfer")
        queue = _withdraw(ana, operator)
        return _read_back(ana, bob, finance, queue=queue)


def _registered(installation: Installation, name: str) -> Person:
    """Register somebody, and prove the address with the message that an operator reads in the outbox."""
    person = Person(
        installation.url, email=f"{name}@demo.lastro.example", password=secrets.token_hex(12), tenant=TENANT
    )
    who = {"tenant": TENANT, "email": person.email, "password": person.password}
    person.ask("/auth/register", who)
    message = installation.run("outbox", "--tenant", TENANT, "--limit", "1", "--json")
    person.ask("/auth/verify", {"tenant": TENANT, "token": message["token"]})
    return person


def _pay_in(installation: Installation, ana: Person) -> None:
    """Pay in through the sandbox: what settles it is a signed message over HTTP."""
    deposit = ana.post("/deposits", _body(PAID_IN, provider="sandbox"), key="demo-deposit")["id"]
    installation.run("sandbox", "settle", deposit, "--json")
    end = time.monotonic() + SETTLED_S
    while ana.get(f"/deposits/{deposit}")["status"] != "settled":
        if time.monotonic() > end:
            raise RequestRefused("the deposit was not settled in time")
        time.sleep(_PAUSE_S)


def _withdraw(ana: Person, operator: Person) -> list[Json]:
    """Withdraw with an operator's approval; return the operator's queue as it was before."""
    account = {"kind": "iban", "asset": "USD", "holder": "Ana Souza", "iban": IBAN}
    ana.step_up()
    destination = ana.post("/destinations", account, key="demo-destination")["id"]
    wanted = _body(WITHDRAWN, destination_id=destination)
    withdrawal = ana.post("/withdrawals", wanted, key="demo-withdrawal")["id"]
    queue = operator.items("/admin/withdrawals", at_least=ana.seen)
    operator.post(f"/admin/withdrawals/{withdrawal}/approve", {}, key="demo-approve")
    paid = {"bank": "main", "reference": "DEMO 1"}
    operator.post(f"/admin/withdrawals/{withdrawal}/paid", paid, key="demo-paid")
    ana.seen = operator.seen
    return queue


def _read_back(ana: Person, bob: Person, finance: Person, *, queue: list[Json]) -> Wallets:
    anas, bobs = (person.get("/balances", at_least=ana.seen)["balances"] for person in (ana, bob))
    balance = finance.get("/ledger/trial-balance", at_least=ana.seen)
    left = PAID_IN - SENT - WITHDRAWN
    users = {person: f"liabilities:users:{person.get('/me')['id']}:real:available" for person in (ana, bob)}
    expected = {
        "assets:psp:sandbox": PAID_IN - FEE,
        "expenses:psp_fees": FEE,
        "assets:bank:client:main": -(WITHDRAWN - CHARGE),
        "revenue:withdrawal_fees": -CHARGE,
        users[ana]: -left,
        users[bob]: -SENT,
    }
    found = {
        row["account"]: _cents(row["debit"]) - _cents(row["credit"])
        for row in balance["rows"]
        if _cents(row["debit"]) != _cents(row["credit"])
    }
    differences = [
        f"{account} is {found.get(account, 0)} cents, and not {expected.get(account, 0)}"
        for account in sorted(expected.keys() | found.keys())
        if found.get(account, 0) != expected.get(account, 0)
    ]
    if [one["status"] for one in queue] != ["requested"]:
        differences.append(f"the operator's queue was {queue}")
    return Wallets(anas, bobs, queue, balance, differences)


def _body(cents: int, **fields: object) -> Json:
    return {"amount": {"value": f"{cents // 100}.{cents % 100:02}", "asset": "USD"}, **fields}


def _cents(text: str) -> int:
    return int(text.replace(".", ""))
