"""Prevents: a decision that cannot be weighed again, as its record does not say what it costs or how it was proven."""

import re
from collections.abc import Iterator

from dev.lints.repository import Finding, Repository, Source

RULE = "decisions"
FOLDER = "docs/decisions"
HEADINGS = ["Context", "Decision", "Consequences", "Proof"]
NAME = re.compile(r"^docs/decisions/(\d{4})-[a-z0-9]+(-[a-z0-9]+)*\.md$")
ONE_PAGE = 80


def check(repository: Repository) -> Iterator[Finding]:
    """Report records whose name, number, headings or length is not that of `docs/decisions/README.md`."""
    numbers: dict[str, str] = {}
    for source in repository.select(".md", FOLDER):
        if source.path == f"{FOLDER}/README.md":
            continue
        named = NAME.match(source.path)
        if not named:
            yield source.finding(RULE, 1, "a record is named NNNN-some-words.md")
        elif numbers.setdefault(named[1], source.path) != source.path:
            yield source.finding(RULE, 1, f"number {named[1]} is taken by {numbers[named[1]]}")
        yield from _shape(source)


def _shape(source: Source) -> Iterator[Finding]:
    lines = source.text.splitlines()
    headings = [line.removeprefix("## ").strip() for line in lines if line.startswith("## ")]
    if not source.text.startswith("# "):
        yield source.finding(RULE, 1, "a record begins with its title: `# What was decided`")
    if headings != HEADINGS:
        yield source.finding(RULE, 1, f"headings are {headings}, not {HEADINGS}")
    if len(lines) > ONE_PAGE:
        yield source.finding(RULE, 1, f"{len(lines)} lines; a record has one page, at most {ONE_PAGE} lines")
