"""Prevents: an environment that differs from machine to machine, or a lock that leads only to the author's mirror."""

from collections.abc import Iterator

from dev.lints.repository import Finding, Repository
from dev.lock import LOCK, faults

RULE = "lock"


def check(repository: Repository) -> Iterator[Finding]:
    """Report a lock that is out of date, holds an address or pins something without a hash."""
    for message in faults(repository.files["pyproject.toml"].text, repository.files[LOCK].text):
        yield Finding(path=LOCK, line=1, rule=RULE, message=message)
