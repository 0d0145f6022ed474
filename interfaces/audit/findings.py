"""What a check has looked at, how long that took, and what it found: the material of the report.

A finding names its check, the first log position where something is wrong, and what is wrong there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import NamedTuple

KEPT = 20
"""Findings of one check that are shown; the rest is counted."""


UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)
"""What naive code raises on JSON that is no entry; the codec's check says what exactly is wrong with it."""


class Finding(NamedTuple):
    """Something wrong. The log position is None where a thing has none, such as a receipt of a refusal."""

    check: str
    log_position: int | None
    what: str


def _order(finding: Finding) -> tuple[bool, int]:
    return finding.log_position is None, finding.log_position or 0


@dataclass(slots=True)
class Tally:
    """One check. `found` counts all findings; of these the first are kept, by log position."""

    check: str
    counts: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    found: int = 0
    findings: list[Finding] = field(default_factory=list)

    def count(self, what: str, number: int) -> None:
        """Say how many things were looked at."""
        self.counts[what] = self.counts.get(what, 0) + number

    def find(self, log_position: int | None, what: str) -> None:
        """Write a finding down."""
        self.found += 1
        self.findings.append(Finding(self.check, log_position, what))
        if len(self.findings) > 2 * KEPT:
            self._keep_first()

    def add(self, other: "Tally") -> None:
        """Take over what another process has seen of the same check."""
        for what, number in other.counts.items():
            self.count(what, number)
        self.seconds += other.seconds
        self.found += other.found
        self.findings.extend(other.findings)
        self._keep_first()

    def _keep_first(self) -> None:
        self.findings.sort(key=_order)
        del self.findings[KEPT:]


class Tallies(dict[str, Tally]):
    """Checks by name; one begins when it is first named."""

    def __missing__(self, check: str) -> Tally:
        tally = self[check] = Tally(check)
        return tally

    @contextmanager
    def timed(self, check: str) -> Iterator[Tally]:
        """Count the time of a block to a check."""
        started = perf_counter()
        try:
            yield self[check]
        finally:
            self[check].seconds += perf_counter() - started

    def take(self, others: "Tallies") -> None:
        """Add up what several processes have seen."""
        for check, tally in others.items():
            self[check].add(tally)
