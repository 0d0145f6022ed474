"""Runs every rule over this checkout, prints `path:line: rule: message`, and fails when there is anything to print."""

import sys
from pathlib import Path

from dev.lints import (
    api_sql,
    commits,
    decisions,
    ignores,
    layers,
    locked,
    machine_paths,
    names,
    pure_domain,
    sizes,
)
from dev.lints.repository import Repository

RULES = (
    pure_domain.check,
    layers.check,
    api_sql.check,
    commits.check,
    commits.stale,
    sizes.check,
    names.check,
    machine_paths.check,
    decisions.check,
    ignores.check,
    locked.check,
)


def main(root: Path) -> int:
    """Print the findings below root and return the exit status."""
    repository = Repository.read(root)
    findings = sorted(finding for rule in RULES for finding in rule(repository))
    for finding in findings:
        print(finding)
    counts = f"{len(repository.files)} files, {len(RULES)} rules, {len(findings)} findings"
    print(f"dev.lints: {counts}; type: ignore {ignores.count(repository)} of {ignores.allowed(repository)}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(Path.cwd()))
