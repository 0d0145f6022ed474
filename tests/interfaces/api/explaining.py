"""How the money of each answer is explained: whose number it is, and which figure of the explanation it must be.

A new answer with money, or a new field of one, needs a line here, and a kind of thing in `projections/explain`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from domain.ids import UserId
from projections.accounts import own_account, own_accounts
from tests.interfaces.api.money_fields import Json, Money

BEGUN, BEFORE_IT_BEGUN = "2026-06-01T00:00:00Z", "2026-05-31T23:59:59.999999Z"
"""Where the statements begin that do not begin with nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What to ask `/audit/explain`, and where in its answer the number stands."""

    parameters: Mapping[str, Any]
    answered: Callable[[Json], Json]


def figure(name: str) -> Callable[[Json], Json]:
    """Return how a figure is found in an explanation."""
    return lambda said: next(one["amount"] for one in said["figures"] if one["figure"] == name)


def _thing(kind: str, schema: str, *, id: str = "id") -> Callable[[Money], Question]:
    return lambda money: Question(parameters={"kind": kind, "id": money.of(schema)[id]}, answered=figure(money.field))


def _per_asset(kind: str, schema: str) -> Callable[[Money], Question]:
    """Explain a field of a thing, whose list of fees has one per asset."""

    def ask(money: Money) -> Question:
        name = f"fees.{money.asset}" if money.field == "fees" else money.field
        return Question(parameters={"kind": kind, "id": money.of(schema)["id"]}, answered=figure(name))

    return ask


def _fill(money: Money) -> Question:
    parameters = {"kind": "fill", "log_position": money.of("ShownFill")["log_position"]}
    return Question(parameters=parameters, answered=figure(money.field))


def _position(money: Money) -> Question:
    held = money.of("ShownPosition")
    charged = money.owners[-1].object
    name = f"charges.{charged['charge']}.{money.asset}" if "charge" in charged else money.field
    parameters = {"kind": "position", "connection": held["connection"], "instrument": held["instrument"]}
    return Question(parameters=parameters, answered=figure(name))


def _posting(money: Money) -> Question:
    """A line of an entry. What a user sees of an entry leaves others' lines out, so the account finds the line."""
    entry = next(owner.object for owner in reversed(money.owners) if owner.schema in {"ShownEntry", "PostedEntry"})
    line = money.of("ShownPosting")
    parameters = {"kind": "entry", "id": entry["id"]}
    wanted = {"value": line["amount"], "asset": line["asset"]}
    return Question(
        parameters=parameters,
        answered=lambda said: next(one["amount"] for one in said["figures"] if one["amount"] == wanted),
    )


def _balance(account: str, asset: str, *, debit_positive: bool = False) -> Question:
    def answered(said: Json) -> Json:
        amount = figure("amount")(said)
        turned = debit_positive and said["subject"]["normal_side"] == "credit" and amount["value"].strip("0.")
        return {**amount, "value": f"-{amount['value']}".replace("--", "")} if turned else amount

    return Question(parameters={"account": account, "asset": asset}, answered=answered)


def _own_balance(money: Money) -> Question:
    held = money.of("OwnBalance")
    (account,) = (
        path for path, named in own_accounts(UserId(money.reader)).items() if named == (held["bucket"], held["state"])
    )
    return _balance(account, money.asset)


def _account_balance(money: Money) -> Question:
    return _balance(money.of("AccountBalances")["account"], money.asset, debit_positive=True)


def _trial_row(money: Money) -> Question:
    """A side of the trial balance: the balance where the account stands on it, and nothing on the other."""
    row = money.of("TrialBalanceRow")
    asked = _balance(row["account"], money.asset, debit_positive=True)

    def answered(said: Json) -> Json:
        amount = asked.answered(said)
        is_credit, shown = amount["value"].startswith("-"), amount["value"].lstrip("-")
        nothing = "".join(sign if sign == "." else "0" for sign in row["debit" if is_credit else "credit"])
        return {**amount, "value": shown if is_credit == (money.path[-1] == "credit") else nothing}

    return Question(parameters=asked.parameters, answered=answered)


def _trial_total(money: Money) -> Question:
    total = money.of("TrialBalanceTotal")
    parameters = {"kind": "total", "realm": total["realm"], "asset": total["asset"]}
    return Question(parameters=parameters, answered=figure(money.path[-1]))


def _account_of(money: Money) -> str:
    """Return the account of a statement: a user's own names its bucket."""
    whole = next(owner for owner in reversed(money.owners) if owner.schema in {"Statement", "OwnStatement"})
    if whole.schema == "Statement":
        return str(whole.object["account"])
    return own_account(UserId(money.reader), whole.object["bucket"], whole.object["state"])


def _statement_line(money: Money) -> Question:
    line, account = money.of("StatementLine"), _account_of(money)

    def answered(said: Json) -> Json:
        (step,) = (one for one in said["steps"] if one["origin"]["log_position"] == line["log_position"])
        (change,) = (one for one in step["changes"] if one["after"] == line["balance"])
        found: Json = change["after" if money.field == "balance" else "amount"]
        return found

    return Question(parameters={"account": account, "asset": money.asset}, answered=answered)


def _statement(money: Money) -> Question:
    """The end of a statement that is shown whole, or its beginning: what was effective before it."""
    asked = _balance(_account_of(money), money.asset)
    if "opening" not in money.path:
        return asked
    return Question(parameters={**asked.parameters, "as_of": BEFORE_IT_BEGUN}, answered=asked.answered)


def _allowance(money: Money) -> Question:
    return Question(parameters={"kind": "allowance", "asset": money.asset}, answered=figure("level"))


EXPLAINED: Mapping[str, Callable[[Money], Question]] = {
    "ShownOrder": _per_asset("order", "ShownOrder"),
    "ShownFill": _fill,
    "ShownPosition": _position,
    "ShownCharge": _position,
    "ShownWithdrawal": _thing("withdrawal", "ShownWithdrawal"),
    "WithdrawalWithHistory": _thing("withdrawal", "WithdrawalWithHistory"),
    "WaitingWithdrawal": _thing("withdrawal", "WaitingWithdrawal"),
    "MadePayoutFile": _thing("payout_file", "MadePayoutFile"),
    "ShownPayoutFile": _thing("payout_file", "ShownPayoutFile"),
    "ShownDeposit": _thing("deposit", "ShownDeposit"),
    "DepositWithHistory": _thing("deposit", "DepositWithHistory"),
    "interfaces__api__routes__deposits__Requested": _thing("deposit", "interfaces__api__routes__deposits__Requested"),
    "interfaces__api__routes__refunds__Requested": _thing("refund", "interfaces__api__routes__refunds__Requested"),
    "ShownRefund": _thing("refund", "ShownRefund"),
    "ShownDispute": _thing("dispute", "ShownDispute"),
    "ShownPayout": _thing("payout", "ShownPayout"),
    "ShownReceipt": _thing("receipt", "ShownReceipt"),
    "ShownWriteOff": _thing("write_off", "ShownWriteOff"),
    "ShownAllowance": _allowance,
    "ShownTransfer": _thing("transfer", "ShownTransfer"),
    "ShownQuote": _thing("quote", "ShownQuote"),
    "Offer": _thing("quote", "Offer"),
    "ShownConnection": _thing("connection", "ShownConnection"),
    "ShownPosting": _posting,
    "OwnBalance": _own_balance,
    "ShownAmount": _account_balance,
    "TrialBalanceRow": _trial_row,
    "TrialBalanceTotal": _trial_total,
    "StatementLine": _statement_line,
    "Statement": _statement,
    "OwnStatement": _statement,
}
"""By the schema of the object that the money is a field of."""
