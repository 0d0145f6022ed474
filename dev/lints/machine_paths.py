"""Prevents: a checkout that works on one machine only, and a file that tells strangers about that machine.

No file names a path of the machine it was written on, what lies beside the repository, or the host of a package
registry. One line in `.ci/run` says where market data may lie.
"""

import re
from collections.abc import Iterator

from dev.lints.repository import Finding, Repository

RULE = "machine-paths"

REFUSED = {
    re.compile(r"\.\./shared"): "refers to what lies beside the repository",
    re.compile(r"(?<![\w.~/])/(?:home|mnt|opt|root|Users|work)/[\w.]"): "is a path of one machine",
    re.compile(r"\b[A-Z]:\\Users\b"): "is a path of one machine",
    re.compile(
        r"\b(?:pypi\.org|pythonhosted\.org|registry\.npmjs\.org|registry\.yarnpkg\.com|crates\.io|ghcr\.io|docker\.io|quay\.io)",
        re.IGNORECASE,
    ): "names a registry's host",
}
PERMITTED = (".ci/run", re.compile(r"^export LASTRO_MARKET_DATA=\S+$"))


def check(repository: Repository) -> Iterator[Finding]:
    """Report lines that name a machine's path, a neighbour of the repository or a registry."""
    for path, source in repository.files.items():
        for number, line in enumerate(source.text.splitlines(), start=1):
            if path == PERMITTED[0] and PERMITTED[1].match(line):
                continue
            for pattern, meaning in REFUSED.items():
                found = pattern.search(line)
                if found:
                    yield source.finding(RULE, number, f"{found[0]!r} {meaning}")
