"""What a check has looked at, how long that took, and what it found: the material of the report.

A finding names its check, the first log position where something is wrong, and what is wrong there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import NamedTuple, Self

from interfaces.audit.scope import WHOLE, Scope

UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)
"""What naive code raises on JSON that is no entry; the codec's check says what exactly is wrong with it."""


EVERYBODY, NOBODY = "*", ""
"""Whose a finding is that names nothing of any tenant, and one that speaks of several or of we do not know whom."""


class Finding(NamedTuple):
    """Something wrong. The log position is None where a thing has none, such as a receipt of a refusal.

    `tenant` is whose it is, `EVERYBODY` or `NOBODY`; None where it is the tenant's of the event at the log position.
    """

    check: str
    log_position: int | None
    what: str
    tenant: str | None = None


def _order(finding: Finding) -> tuple[bool, int]:
    return finding.log_position is None, finding.log_position or 0


@dataclass(slots=True)
class Tally:
    """One check. `found` counts all findings in scope, the first of which are kept; `outside` counts others."""

    check: str
    counts: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    found: int = 0
    findings: list[Finding] = field(default_factory=list)
    outside: int = 0
    scope: Scope = WHOLE

    def count(self, what: str, number: int) -> None:
        """Say how many things were looked at."""
        self.counts[what] = self.counts.get(what, 0) + number

    def find(self, log_position: int | None, what: str, tenant: str | None = None) -> None:
        """Write a finding down; of one outside the scope only that there is one."""
        if log_position is not None and not self.scope.holds(log_position):
            self.outside += 1
            return
        self.found += 1
        self.findings.append(Finding(self.check, log_position, what, tenant))
        if len(self.findings) > 2 * self.scope.kept:
            self._keep_first()

    def add(self, other: "Tally") -> None:
        """Take over what another process has seen of the same check."""
        for what, number in other.counts.items():
            self.count(what, number)
        self.seconds += other.seconds
        self.found += other.found
        self.outside += other.outside
        self.findings.extend(other.findings)
        self._keep_first()

    def _keep_first(self) -> None:
        self.findings.sort(key=_order)
        del self.findings[self.scope.kept :]


class Tallies(dict[str, Tally]):
    """Checks by name; one begins when it is first named."""

    scope: Scope = WHOLE

    @classmethod
    def of(cls, scope: Scope) -> Self:
        """Return tallies of what lies in a scope."""
        tallies = cls()
        tallies.scope = scope
        return tallies

    def __missing__(self, check: str) -> Tally:
        tally = self[check] = Tally(check, scope=self.scope)
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
