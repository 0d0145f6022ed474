"""Prevents: the drawer that everything ends up in because its name excludes nothing.

`utils`, `helpers`, `base`, `common`, `manager` and `service` say that something is used, not what it does; code is
found by its subject.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from dev.lints.repository import Finding, Repository

RULE = "names"

WHOLE = frozenset({"base", "common", "core", "lib", "misc", "shared", "stuff", "tools"})
PARTS = frozenset({"helper", "helpers", "manager", "managers", "service", "services", "util", "utils", "utilities"})
CLASS = re.compile(r"(?:Helpers?|Managers?|Services?|Utils?|Utilities)$")


def check(repository: Repository) -> Iterator[Finding]:
    """Report files, folders and classes whose name says nothing."""
    for path in repository.files:
        for part in PurePosixPath(path).with_suffix("").parts:
            if part in WHOLE or PARTS & set(part.split("_")):
                yield Finding(path=path, line=1, rule=RULE, message=f"{part!r} says nothing: name the subject")
    for source in repository.select(".py"):
        for node in source.nodes:
            if isinstance(node, ast.ClassDef) and CLASS.search(node.name):
                yield source.finding(RULE, node.lineno, f"{node.name!r} says nothing: name the subject")
