"""Prevents: a rule that cannot be tested without a venue, because a counterpart's SDK has crept inwards.

import-linter checks the same for imports it can follow; this rule also sees lazy and dynamic imports.
"""

import ast
from collections.abc import Iterator

from dev.lints.repository import Finding, Repository, Source, imports

RULE = "layers"
INNER = ("domain", "application", "projections")
OUTER_ONLY = frozenset({
    "aiohttp", "ccxt", "confluent_kafka", "fastapi", "httpx", "kafka", "openai", "requests", "rich", "starlette",
    "stripe", "telegram", "typer", "uvicorn",
})  # fmt: skip


def check(repository: Repository) -> Iterator[Finding]:
    """Report web framework, command line and SDKs outside `interfaces`, and the tests' imports in the product."""
    for source in repository.select(".py", *INNER):
        for line, name in (*imports(source), *_dynamic_imports(source)):
            if name.partition(".")[0] in OUTER_ONLY:
                yield source.finding(RULE, line, f"import of {name}: only interfaces touch the world")
    for source in repository.select(".py", *INNER, "interfaces", "dev"):
        for line, name in imports(source):
            if name.partition(".")[0] == "tests":
                yield source.finding(RULE, line, f"import of {name}: the product does not know its tests")


def _dynamic_imports(source: Source) -> Iterator[tuple[int, str]]:
    for node in source.nodes:
        match node:
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield node.lineno, name
            case _:
                pass
