"""A verification as one tenant's auditor is shown it: numbers of all checks, and nothing that is other tenants'.

An audit sees the whole installation. Findings are shown whose tenant it is, and those that name nothing of anybody.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import psycopg

from interfaces.audit.findings import EVERYBODY, Finding, Tally
from interfaces.audit.report import SAYS
from interfaces.audit.verify import Verified

NAMING_NOTHING = frozenset({
    "log positions", "times", "appends", "event ids", "cursors", "checkpoints", "evidence of events",
    "evidence of receipts",
})  # fmt: skip
"""Checks whose sentences name log positions and other numbers of the log, and nothing that stands in an event."""

_TENANTS = "SELECT notification_id, tenant FROM log.events WHERE notification_id = ANY(%s)"


def own_report(url: str, verified: Verified, tenant: str) -> dict[str, Any]:
    """Return what a tenant is shown of a verification; `url` is of the role lastro_projector.

    Of each check `found` counts the findings of the whole installation: those that are shown, those that are
    `of_others`, and those that are `not_listed` because a check keeps its first ones only.
    """
    tenants = _tenants_at(url, verified.findings)
    own = {
        tally.check: [finding for finding in tally.findings if _is_shown(finding, tenant, tenants)]
        for tally in verified.checks
    }
    placed = [one for findings in own.values() for one in findings if one.log_position is not None]
    first = min(placed, key=lambda one: one.log_position or 0, default=None)
    return {
        "sound": verified.is_sound,
        "from": verified.scope.behind + 1,
        "log_position": verified.log_position,
        "receipts": verified.receipts,
        "found_outside": verified.outside,
        "taken_over": verified.taken_over,
        "first_wrong": None if first is None else {"check": first.check, **_shown(first)},
        "checks": [_check(tally, own[tally.check]) for tally in verified.checks],
    }


def _check(tally: Tally, own: list[Finding]) -> dict[str, Any]:
    return {
        "check": tally.check,
        "says": SAYS.get(tally.check, ""),
        "looked_at": [{"what": what, "number": number} for what, number in tally.counts.items()],
        "found": tally.found,
        "findings": [_shown(finding) for finding in own],
        "of_others": len(tally.findings) - len(own),
        "not_listed": tally.found - len(tally.findings),
    }


def _shown(finding: Finding) -> dict[str, Any]:
    return {"log_position": finding.log_position, "what": finding.what}


def _is_shown(finding: Finding, tenant: str, tenants: Mapping[int, str]) -> bool:
    """Tell whether a finding is the tenant's; one of whom we do not know is nobody's."""
    if finding.check in NAMING_NOTHING or finding.tenant == EVERYBODY:
        return True
    whose = finding.tenant
    if whose is None and finding.log_position is not None:
        whose = tenants.get(finding.log_position)
    return whose == tenant


def _tenants_at(url: str, findings: Iterable[Finding]) -> dict[int, str]:
    """Return the tenants of the events at the log positions of findings."""
    positions = sorted({one.log_position for one in findings if one.log_position is not None})
    with psycopg.connect(url) as connection:
        return dict(connection.execute(_TENANTS, (positions,)).fetchall())
