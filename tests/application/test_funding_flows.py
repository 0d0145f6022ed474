"""Runs the stories of funding.txt: every act posts exactly these entries, and nothing but what is left is left."""

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from application import streams
from application.commands import Command
from domain.ledger.accounts import HOUSE
from domain.ledger.book import book_of
from domain.ledger.entry import EntryPosted, Posting
from tests.application import finance, funded
from tests.application.memory import Memory
from tests.application.people import PEOPLE
from tests.application.world import NOW, TENANT, booking
from tests.domain.ledger.entries import USER, amount, postings

Entries = list[tuple[str, tuple[Posting, ...]]]
Left = Counter[tuple[str, str]]
KINDS = {"receivable": "chargeback", "user": "refund_settled", "expenses": "affiliate_share"}
LINE = re.compile(r"(?P<kind>\w*) +(?:(?P<asset>[A-Z]{3}) )?(?P<postings>.+)")
SAID = re.compile(r"(?P<act>[a-z' -]+?)(?: (?P<value>[0-9.]+))?(?: (?P<asset>[A-Z]{3}))?(?:,.*)?")


@dataclass
class Step:
    does: str
    posts: Entries = field(default_factory=list)


@dataclass
class Story:
    name: str
    steps: list[Step] = field(default_factory=list)
    left: Left = field(default_factory=Counter)


def read_stories() -> list[Story]:
    text = (Path(__file__).parent / "funding.txt").read_text()
    return [read_story(block.strip().splitlines()) for block in text.split("\n== ")[1:]]


def read_story(lines: list[str]) -> Story:
    story = Story(lines[0])
    for line in lines[1:]:
        if line.startswith("> "):
            story.steps.append(Step(line[2:]))
            continue
        found = LINE.fullmatch(line)
        assert found is not None, line
        made = postings(found["postings"], found["asset"] or "USD")
        match found["kind"]:
            case "given":
                story.steps.append(Step(f"given {found['postings']}"))
            case "left":
                count(story.left, made)
            case "":
                kind, before = story.steps[-1].posts[-1]
                story.steps[-1].posts[-1] = (kind, before + made)
            case kind:
                story.steps[-1].posts.append((kind, made))
    return story


def count(left: Left, lines: tuple[Posting, ...]) -> None:
    for posting in lines:
        left[posting.account, posting.amount.asset.code] += posting.amount.units


@dataclass
class Teller:
    """Tells a story: the deposit, refund, dispute or payout that it speaks of is the latest one."""

    memory: Memory
    deposits: int = 0
    disputed: str = ""
    fee: str = "0.00"

    def tell(self, step: str) -> list[tuple[str, Any]]:
        """Do what a step says; return what was appended."""
        if step.startswith("given "):
            text = step.removeprefix("given ")
            return self.memory.submit(booking(step, text, kind=KINDS[text.partition(":")[0]]))[1]
        said = SAID.fullmatch(step)
        assert said is not None, step
        return self.memory.submit(self.command(said["act"], step, value=said["value"], asset=said["asset"] or "USD"))[1]

    def command(self, act: str, step: str, *, value: str | None, asset: str) -> Command:
        key = f"{step} {self.deposits} {len(self.memory.appended)}"
        match act:
            case "deposit":
                self.deposits += 1
                return funded.asked(self.latest, value or "", asset)
            case "paid":
                return funded.says(key, self.deposit, funded.payment_of(self.deposit, **told(step)))
            case "payment fails":
                return funded.says(key, self.deposit, funded.payment_of(self.deposit, "failed"))
            case "payout":
                return funded.says_payout(key, funded.payout(value or ""))
            case "payout arrives" | "payout fails":
                status = {"arrives": "arrived", "fails": "failed"}[act.split()[1]]
                return funded.says_payout(key, funded.payout("96.01", status))
            case "receipt":
                return funded.received("r", value or "")
            case "receipt is the user's":
                return funded.identified(self.memory, "r")
            case "top-up" | "sweep" | "write-off" | "recover" | "allowance":
                return self.finance(act, key, value or "")
            case _ if act.startswith("refund"):
                return self.refund(act, step, value)
            case _:
                return self.dispute(act, step)

    def finance(self, act: str, key: str, value: str) -> Command:
        match act:
            case "write-off":
                return finance.given_up("w", value)
            case "recover":
                return finance.recovered(self.memory, "w")
            case "allowance":
                return finance.provided(value, key=key)
            case _:
                return finance.moved(act, value)

    def refund(self, act: str, step: str, value: str | None) -> Command:
        if act == "refund":
            return funded.refunded("r", self.deposit, value)
        known = funded.refund(self.memory, "r")
        status = {"refund is paid": "succeeded", "refund fails": "failed"}[act]
        return funded.says_refund(step, known, funded.refund_of(known, status, **told(step)))

    def dispute(self, act: str, step: str) -> Command:
        said = told(step)
        if act == "dispute":
            self.disputed, self.fee = self.latest, said.get("fee", "0.00")
        known = funded.deposit(self.memory, self.disputed)
        status = {"dispute": "open", "dispute is won": "won", "dispute is lost": "lost"}[act]
        said["back"], said["fee"] = said.get("fee", "0.00"), self.fee
        return funded.says_dispute(step, known, funded.dispute_of(known, status, **said))

    @property
    def latest(self) -> str:
        return f"d{self.deposits}"

    @property
    def deposit(self) -> Any:  # noqa: ANN401 - what a stream holds
        return funded.deposit(self.memory, self.latest)


def told(step: str) -> dict[str, Any]:
    """Return what a provider says besides: a fee, and what it settled in dollars."""
    pairs = dict(part.split() for part in step.split(", ")[1:])
    return {name: amount(value, "USD") if name == "settled" else value for name, value in pairs.items()}


@pytest.mark.parametrize("story", read_stories(), ids=lambda story: story.name)
def test_money_in_and_back_posts_what_the_story_says(story: Story) -> None:
    teller = Teller(Memory().given(*PEOPLE))
    left: Left = Counter()
    for step in story.steps:
        posted = shown(teller.tell(step.does))
        if not step.does.startswith("given "):
            assert posted == step.posts, step.does
        for _, lines in posted:
            count(left, lines)
    assert {key: units for key, units in left.items() if units} == {
        key: units for key, units in story.left.items() if units
    }


def shown(written: list[tuple[str, object]]) -> Entries:
    """Return kinds and lines of the entries among what was appended; each lies in its own book."""
    posted = [(stream, event) for stream, event in written if isinstance(event, EntryPosted)]
    for stream, event in posted:
        house = book_of(event.entry) is HOUSE
        assert stream == (streams.house_book(TENANT, NOW) if house else streams.book(TENANT, USER))
    return [(event.entry.kind, event.entry.postings) for _, event in posted]
