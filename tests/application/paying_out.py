"""What an API process does about a withdrawal, act by act, as a program that stands still before or after one.

`python -m tests.application.paying_out APP_URL ACT STEP` does an act as its request does, says "at STEP" before (1) or
after (2) its append, when nobody has been answered yet, and waits there until it is killed.
"""

import asyncio
import sys
from collections.abc import Mapping

from application.commands import Command, Done
from application.committer import Committer
from application.withdrawals import (
    Charge,
    approve_withdrawal,
    cancel_withdrawal,
    fail_withdrawal,
    find_withdrawal,
    pay_withdrawal,
    reject_withdrawal,
    return_withdrawal,
)
from domain.withdrawals.withdrawal import Withdrawal
from interfaces.postgres.configuration import Urls
from tests.application.policies.welcome import Stepping
from tests.application.withdrawing import OPERATOR, USABLE, requested
from tests.application.world import TENANT, an_id, committing, envelope
from tests.domain.ledger.entries import USER, amount

CHARGE = Charge(amount=amount("1.00", "USD"), bank="main")
BEFORE: Mapping[str, tuple[str, ...]] = {
    "request": (),
    "cancel": ("request",),
    "reject": ("request",),
    "approve": ("request",),
    "fail": ("request", "approve"),
    "pay": ("request", "approve"),
    "return": ("request", "approve", "pay"),
}
"""Every act, and what was done before it."""


async def do(committer: Committer, act: str) -> Done:
    """Do an act under the key that it always has."""
    if act == "request":
        return await committer.submit(requested("w", "50.00"))
    return await committer.submit(_decision(act, await find_withdrawal(committer, TENANT, an_id("w"))))


def _decision(act: str, known: Withdrawal) -> Command:
    by = envelope(act, actor=USER if act == "cancel" else OPERATOR, now=USABLE)
    match act:
        case "cancel":
            return cancel_withdrawal(by, known)
        case "approve":
            return approve_withdrawal(by, known)
        case "reject":
            return reject_withdrawal(by, known, reason="unclear")
        case "pay":
            return pay_withdrawal(by, known, bank="main", reference="B 17")
        case "fail":
            return fail_withdrawal(by, known, reason="closed", charge=CHARGE)
        case _:
            assert act == "return"
            return return_withdrawal(by, known, reason="closed", charge=CHARGE)


async def stand_still(app_url: str, act: str, step: int) -> None:
    """Do an act up to a step."""

    async def pause(reached: int) -> None:
        if reached == step:
            print(f"at {reached}", flush=True)  # noqa: T201 - this is how processes talk
            await asyncio.Event().wait()

    async with committing(Urls(owner="", app=app_url, projector="")) as inner:
        await do(Stepping(inner, pause), act)


if __name__ == "__main__":
    asyncio.run(stand_still(sys.argv[1], sys.argv[2], int(sys.argv[3])))
