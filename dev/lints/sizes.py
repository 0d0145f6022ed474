"""Prevents: the file that nobody reads to its end before changing it.

A file that outgrows 400 lines holds two subjects, a function that outgrows 50 two thoughts; both are split by subject.
"""

import ast
import re
from collections.abc import Iterator

from dev.lints.repository import Finding, Repository, Source

RULE = "sizes"
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50

SQL_FUNCTION = re.compile(
    r"^[ \t]*(?:create\s+(?:or\s+replace\s+)?(?:function|procedure)\s+(?P<name>[\w.\"]+)|do\b)"
    r"(?:(?!^[ \t]*create\s)[\s\S])*?(?P<quote>\$\w*\$)[\s\S]*?(?P=quote)[^;]*;",
    re.IGNORECASE | re.MULTILINE,
)


def check(repository: Repository) -> Iterator[Finding]:
    """Report hand-written Python and SQL files and functions that are too long."""
    for suffix, functions in ((".py", _python_functions), (".sql", _sql_functions)):
        for source in repository.select(suffix):
            length = len(source.text.splitlines())
            if length > MAX_FILE_LINES:
                yield source.finding(RULE, 1, f"{length} lines, at most {MAX_FILE_LINES}: split it by subject")
            for line, name, lines in functions(source):
                if lines > MAX_FUNCTION_LINES:
                    yield source.finding(RULE, line, f"{name} has {lines} lines, at most {MAX_FUNCTION_LINES}")


def _python_functions(source: Source) -> Iterator[tuple[int, str, int]]:
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            yield node.lineno, node.name, node.end_lineno - node.lineno + 1


def _sql_functions(source: Source) -> Iterator[tuple[int, str, int]]:
    for found in SQL_FUNCTION.finditer(source.text):
        line = source.text.count("\n", 0, found.start()) + 1
        yield line, found["name"] or "do block", found[0].count("\n") + 1
