"""A writer process: `python -m tests.application.writer APP_URL NAME MODE` says "ready", waits for a line, and writes.

In mode `together` writers also meet on one purse and on the same keys; in mode `apart` each has streams of its own.

It prints one JSON object: {key: [refused, replayed, first log position, last log position]}, or the error of a command
that failed.
"""

import asyncio
import json
import sys

from application import streams
from application.commands import Body, Command, Done
from application.committer import Committer
from application.work import Work
from domain.ids import UserId
from interfaces.postgres.configuration import Urls
from tests.application.world import TENANT, an_id, command, committing, deposit, flow, spend

CALLERS = 12
ROUNDS = 8
PURSE = UserId(an_id("the purse that all spend from"))
PURSE_HOLDS = 60


def transfer(key: str, source: UserId, target: UserId) -> Command:
    """Return the command that moves money between two users: two entries and a no-event read, in one append."""
    books = streams.book(TENANT, source), streams.book(TENANT, target)
    out = f"liabilities:users:{source}:real:available +1.00 | clearing:transfers -1.00"
    into = f"clearing:transfers +1.00 | liabilities:users:{target}:real:available -1.00"

    def decide(work: Work) -> Body:
        for book, text in zip(books, (out, into), strict=True):
            work.run(book, flow(text, id=an_id(f"{key} {text}"), kind="transfer"))
        return {}

    return command(key, *books, decide=decide, weight=2)


async def call(committer: Committer, name: str, caller: int, *, apart: bool) -> dict[str, list[object]]:
    """Be one caller: own deposits, transfers with everybody, the purse that all spend from, keys that all share."""
    mine, next_one = (UserId(an_id(f"{name} {(caller + step) % CALLERS}")) for step in (0, 1))
    told: dict[str, list[object]] = {}
    for turn in range(ROUNDS):
        own = f"{name}-{caller}-{turn}"
        own_streams = (deposit(f"{own}-in", "5.00", user=mine), transfer(f"{own}-over", mine, next_one))
        shared_streams = (
            spend(f"{own}-race", "1.00", user=PURSE),
            deposit(f"shared-{caller}-{turn}", "1.00", user=UserId(an_id("shared"))),
        )
        for asked in own_streams if apart else (*own_streams, *shared_streams):
            told[asked.envelope.key] = _told(await committer.submit(asked))
    return told


def _told(done: Done) -> list[object]:
    receipt = done.receipt
    return [done.refused, done.replayed, receipt.first_log_position, receipt.last_log_position]


async def write(url: str, name: str, mode: str) -> None:
    async with committing(Urls(owner="", app=url, projector="")) as committer:
        print("ready", flush=True)  # noqa: T201 – this is how processes talk
        await asyncio.to_thread(sys.stdin.readline)
        told = await asyncio.gather(
            *(call(committer, name, caller, apart=mode == "apart") for caller in range(CALLERS))
        )
        print(json.dumps({key: what for one in told for key, what in one.items()}))  # noqa: T201 – see above


if __name__ == "__main__":
    asyncio.run(write(*sys.argv[1:]))
