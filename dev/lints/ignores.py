"""Prevents: a silenced checker, where one ignore invites the next and nobody knows any more which were meant.

Every inline ignore names its rule and its reason and holds for one line; the number of ignored types, recorded in
pyproject.toml, only falls.
"""

import re
import tomllib
from collections.abc import Iterator

from dev.lints.repository import Finding, Repository

RULE = "ignores"

TYPE_IGNORE = re.compile(r"#\s*type:\s*ignore")
IGNORE = re.compile(r"#\s*(?:(?:ruff|flake8):|mypy:|noqa\b|type:\s*ignore|pragma:\s*no cover)")
EXPLAINED = re.compile(
    r"#\s*(?>noqa:\s*[A-Z]+\d+(?:[,\s]+[A-Z]+\d+)*|type:\s*ignore\[[\w, -]+\]|ruff:\s*ignore\[[\w, -]+\]"
    r"|pragma:\s*no cover)\W+\w+\W+\w+"
)


def count(repository: Repository) -> int:
    """Return how many `type: ignore` comments there are."""
    return sum(
        bool(TYPE_IGNORE.search(comment)) for source in repository.select(".py") for _, comment in source.comments
    )


def allowed(repository: Repository) -> int:
    """Return how many there may be, as pyproject.toml records it."""
    return int(tomllib.loads(repository.files["pyproject.toml"].text)["tool"]["lastro"]["lints"]["type_ignores"])


def check(repository: Repository) -> Iterator[Finding]:
    """Report ignores without a rule or a reason, and more ignored types than recorded (or fewer: then record that)."""
    for source in repository.select(".py"):
        for line, comment in source.comments:
            if IGNORE.search(comment) and not EXPLAINED.search(comment):
                yield source.finding(RULE, line, "an ignore names its rule and says why: `# noqa: S608 – why`")
    present, limit = count(repository), allowed(repository)
    if present != limit:
        message = f"{present} `type: ignore`, recorded are {limit}: " + ("mend them" if present > limit else "lower it")
        yield Finding(path="pyproject.toml", line=1, rule=RULE, message=message)
