"""Runs the stories of withdrawals.txt: every act posts exactly these entries, and nothing but what is left is left."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from application.commands import Command
from application.withdrawals import (
    Charge,
    approve_withdrawal,
    cancel_withdrawal,
    fail_withdrawal,
    pay_withdrawal,
    reject_withdrawal,
    return_withdrawal,
)
from domain.ledger.accounts import Bucket
from domain.ledger.entry import EntryPosted, Posting
from tests.application.memory import Memory
from tests.application.withdrawing import OPERATOR, STAFF, USABLE, destined, known, requested
from tests.application.world import TENANT, booking, envelope
from tests.domain.ledger.entries import USER, amount, postings

Entries = list[tuple[str, tuple[Posting, ...]]]
KINDS = {"psp": "deposit", "receivable": "chargeback", "expenses": "affiliate_share", "custody": "coins_received"}


@dataclass
class Step:
    does: str
    posts: Entries = field(default_factory=list)


@dataclass
class Story:
    name: str
    asset: str
    steps: list[Step]
    left: tuple[Posting, ...]


def read_stories() -> list[Story]:
    text = (Path(__file__).parent / "withdrawals.txt").read_text()
    return [read_story(block.strip().splitlines()) for block in text.split("\n== ")[1:]]


def read_story(lines: list[str]) -> Story:
    asset = "BTC" if lines[0].startswith("BTC") else "USD"
    story = Story(lines[0], asset, [], ())
    for line in lines[1:]:
        kind, _, rest = line.partition(" ")
        if kind == ">":
            story.steps.append(Step(rest))
        elif kind == "given":
            story.steps.append(Step(f"given {rest.strip()}"))
        elif kind == "left":
            story.left = postings(rest.strip(), asset)
        else:
            story.steps[-1].posts.append((kind, postings(rest.strip(), asset)))
    return story


def command_of(step: str, memory: Memory, asset: str) -> Command:
    act, *words = step.split()
    if act == "request":
        return requested("w", words[0], asset, bucket=Bucket(words[1] if len(words) > 1 else "real"))
    one, by = known(memory, "w"), envelope(act, actor=USER if act == "cancel" else OPERATOR, now=USABLE)
    charge = Charge(amount=amount(words[0], asset), bank="main") if words and act in {"fail", "return"} else None
    match act:
        case "cancel":
            return cancel_withdrawal(by, one)
        case "approve":
            return approve_withdrawal(by, one)
        case "reject":
            return reject_withdrawal(by, one, reason="unclear")
        case "pay":
            bank, fee = (words[0], amount(words[1], asset)) if words else ("main", None)
            return pay_withdrawal(by, one, bank=bank, reference="B 17", network_fee=fee)
        case "fail":
            return fail_withdrawal(by, one, reason="account closed", charge=charge)
        case _:
            assert act == "return"
            return return_withdrawal(by, one, reason="account closed", charge=charge)


@pytest.mark.parametrize("story", read_stories(), ids=lambda story: story.name)
def test_a_withdrawal_posts_what_the_story_says(story: Story) -> None:
    memory = Memory().given(*STAFF, destined(story.asset))
    left: Counter[tuple[str, str]] = Counter()
    for step in story.steps:
        if step.does.startswith("given "):
            text = step.does.removeprefix("given ")
            kind = KINDS[text.partition(":")[0]]
            _, written = memory.submit(booking(step.does, text, kind=kind, asset=story.asset))
        else:
            _, written = memory.submit(command_of(step.does, memory, story.asset))
            assert shown(written) == step.posts
        for posting in (line for _, lines in shown(written) for line in lines):
            left[posting.account, posting.amount.asset.code] += posting.amount.units
    wanted = {(posting.account, posting.amount.asset.code): posting.amount.units for posting in story.left}
    assert {key: units for key, units in left.items() if units} == wanted


def shown(written: list[tuple[str, object]]) -> Entries:
    """Return kinds and lines of the entries among what was appended; each lies in its own book."""
    posted = [(stream, event) for stream, event in written if isinstance(event, EntryPosted)]
    for stream, event in posted:
        guarded = any(USER in line.account and "payable" not in line.account for line in event.entry.postings)
        assert stream == (f"{TENANT}:book-{USER}" if guarded else f"{TENANT}:book-house-2026-11")
    return [(event.entry.kind, event.entry.postings) for _, event in posted]
