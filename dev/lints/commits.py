"""Prevents: a second way in – a row that is written and committed beside the log, without receipt, version or replay.

The store, the projection runner, the vault and the migrations commit. Everything else asks them, and reads through
`connections.reading`, which cannot write.
"""

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatch

from dev.lints.repository import LAYERS, Finding, Repository, Source

RULE = "commits"

# The one list of places that write, each with what it may write.
MAY_COMMIT = {
    "application/epochs.py": "notes that the log was restored, and that an operator has confirmed it",
    "application/evidence/follower.py": "stores hashes of what was appended, under a signature",
    "application/evidence/liability_cuts.py": "stores trees of what is owed, beside the checkpoint that signs for them",
    "application/committer.py": "decides while holding the lock when it lost three times",
    "application/policies/runner.py": "moves a policy's cursor",
    "application/snapshots.py": "stores a stream's state, which replay can make again",
    "application/store.py": "appends groups",
    "interfaces/audit/imports.py": "fills an empty store with an export, whole or not at all",
    "interfaces/finance/building.py": "writes down what dbt made of the books, which can be made again",
    "interfaces/payments/sandbox*.py": "stands for a provider outside: its objects are no state of ours",
    "interfaces/postgres/backup.py": "tells the embedded server where to archive its log",
    "interfaces/postgres/restore.py": "begins the epoch of a log that it restored",
    "interfaces/postgres/connections.py": "opens every connection, and the vault's transactions",
    "interfaces/postgres/migrations.py": "brings the schema forward",
    "interfaces/postgres/server.py": "creates the database that the migrations fill",
    "interfaces/postgres/vault*.py": "the second truth: written before the append, encrypted",
    "projections/follower.py": "commits rows and cursor together",
    "projections/generations.py": "makes the tables of a generation, and the views that show it",
    "interfaces/jobs.py": "puts down what is asked of workers over HTTP",
    "projections/building.py": "fills a generation, which nobody reads yet",
    "projections/comparison.py": "brings a generation to where it is compared",
    "projections/jobs.py": "notes which work was asked for, and how far it is",
    "projections/switching.py": "makes another generation the live one",
    "projections/reports.py": "says how the parts of a worker stand",
    "projections/writing.py": "puts a batch of rows into the follower's transaction",
}

WRITE = re.compile(
    r"\b(insert\s+into|delete\s+from|update\s+\S+\s+set|merge\s+into|copy\s+[\w.\"{}]+[\s\S]*\bfrom\s+stdin)\b"
    r"|\blog\.append(_hold)?\s*\(|^\s*(truncate|create|alter|drop|grant|revoke|reindex)\s+\w",
    re.IGNORECASE,
)
END_OF_TRANSACTION = re.compile(r"^\s*(commit|begin|start\s+transaction)\b|;\s*commit\b", re.IGNORECASE)
EXECUTING = frozenset({"execute", "executemany"})


def check(repository: Repository) -> Iterator[Finding]:
    """Report commits, writing SQL and transactions outside the files named above."""
    for source in repository.select(".py", *LAYERS):
        if any(fnmatch(source.path, pattern) for pattern in MAY_COMMIT):
            continue
        writes = ((line, "writing SQL") for line, text in source.strings if WRITE.search(text))
        for line, what in (*writes, *_transactions(source)):
            yield source.finding(RULE, line, f"{what} outside store, projection runner, vault and migrations")


def stale(repository: Repository) -> Iterator[Finding]:
    """Report permissions for files that do not exist."""
    for pattern in MAY_COMMIT:
        if not any(fnmatch(path, pattern) for path in repository.files):
            yield Finding(path="dev/lints/commits.py", line=1, rule=RULE, message=f"{pattern} does not exist")


def _transactions(source: Source) -> Iterator[tuple[int, str]]:
    for node in source.nodes:
        match node:
            case ast.Call(func=ast.Attribute(attr="commit" | "transaction" | "set_autocommit" as name)):
                yield node.lineno, f".{name}()"
            case ast.Call(func=ast.Name(id="writing") | ast.Attribute(attr="writing")):
                yield node.lineno, "writing()"
            case ast.Call(func=ast.Attribute(attr=name), args=[ast.Constant(value=str(text)), *_]) if name in EXECUTING:
                if END_OF_TRANSACTION.search(text):
                    yield node.lineno, text.strip()
            case ast.keyword(arg="autocommit", value=ast.Constant(value=True)):
                yield node.lineno, "autocommit=True"
            case ast.Assign(targets=[ast.Attribute(attr="autocommit")]):
                yield node.lineno, ".autocommit ="
            case _:
                pass
