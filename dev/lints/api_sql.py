"""Prevents: a query in a router that reads past the views and the tenant's row policy.

Routers parse and answer. Queries stand beside their projection, where the tests across tenants reach them.
"""

import ast
import re
from collections.abc import Iterator

from dev.lints.repository import Finding, Repository, imports

RULE = "api-sql"
FOLDER = "interfaces/api"

STATEMENT = re.compile(
    r"\b(select\b[\s\S]+\bfrom|insert\s+into|update\s+\S+\s+set|delete\s+from|set_config)\b",
    re.IGNORECASE,
)
CURSOR_METHODS = frozenset({"copy", "cursor", "execute", "executemany", "fetchall", "fetchone"})


def check(repository: Repository) -> Iterator[Finding]:
    """Report SQL text, cursors and the database driver below `interfaces/api`."""
    for source in repository.select(".py", FOLDER):
        for line, text in source.strings:
            if STATEMENT.search(text):
                yield source.finding(RULE, line, "SQL in a router: put the query beside its projection")
        for line, name in imports(source):
            if name.partition(".")[0] in {"psycopg", "psycopg_pool"}:
                yield source.finding(RULE, line, f"import of {name}: a router has no connection")
        for node in source.nodes:
            match node:
                case ast.Call(func=ast.Attribute(attr=name)) if name in CURSOR_METHODS:
                    yield source.finding(RULE, node.lineno, f".{name}(): a router has no cursor")
                case _:
                    pass
