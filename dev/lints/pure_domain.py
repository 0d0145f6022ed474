"""Prevents: a rule that gives another answer when it runs again.

`decide` runs twice after a lost race and every event is folded again in each replay. A clock, a random id, a hash that
differs from process to process, or a file would make the second answer another one; a float would lose a cent on the
way; `Any` and `cast` would hide both from the type checker.
"""

import ast
from collections.abc import Iterator

from dev.lints.repository import Finding, Repository, Source, imports

RULE = "pure-domain"

ALLOWED_IMPORTS = frozenset({
    "__future__", "abc", "bisect", "collections", "dataclasses", "datetime", "enum", "functools", "heapq", "itertools",
    "operator", "re", "string", "types", "typing", "domain",
})  # fmt: skip
ALLOWED_NAMES = frozenset({"hashlib.sha256", "math.comb", "math.gcd", "math.isqrt", "math.lcm", "math.prod"})
REFUSED_NAMES = {
    "typing.Any": "the domain knows its types",
    "typing.cast": "the domain knows its types",
    "operator.truediv": "true division makes a float",
}
REFUSED_CALLS = {
    **dict.fromkeys(("breakpoint", "input", "open", "print"), "the domain does no I/O"),
    **dict.fromkeys(("__import__", "eval", "exec"), "the domain runs only what stands in it"),
    **dict.fromkeys(("hash", "id"), "the answer differs from process to process"),
}
CLOCKS = frozenset({"date", "datetime"})
CLOCK_METHODS = frozenset({"now", "today", "utcnow"})
FLOAT_METHODS = frozenset({"fromtimestamp", "timestamp", "total_seconds", "utcfromtimestamp"})


def check(repository: Repository) -> Iterator[Finding]:
    """Report floats, clocks, randomness, I/O, async and untyped values below `domain`."""
    for source in repository.select(".py", "domain"):
        for line, message in (*_imports(source), *_nodes(source)):
            yield source.finding(RULE, line, message)


def _imports(source: Source) -> Iterator[tuple[int, str]]:
    for line, name in imports(source):
        if name in REFUSED_NAMES:
            yield line, f"{name}: {REFUSED_NAMES[name]}"
        elif name.partition(".")[0] not in ALLOWED_IMPORTS and name not in ALLOWED_NAMES:
            yield line, f"import of {name}: the domain uses a short list of pure modules (dev/lints/pure_domain.py)"


def _nodes(source: Source) -> Iterator[tuple[int, str]]:
    for node in source.nodes:
        message = _fault(node)
        if message and isinstance(node, ast.expr | ast.stmt):
            yield node.lineno, message


def _fault(node: ast.AST) -> str | None:
    match node:
        case ast.Constant(value=float() | complex()) | ast.Name(id="float" | "complex"):
            return "float: it cannot hold money"
        case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
            return "`/` makes a float: use //, divmod or a named rounding"
        case ast.Call(func=ast.Attribute(attr=name)) if name in FLOAT_METHODS:
            return f".{name}(): its seconds are a float"
        case ast.Call(func=ast.Name(id=name)) if name in REFUSED_CALLS:
            return f"{name}(): {REFUSED_CALLS[name]}"
        case ast.Attribute(value=ast.Name(id=owner) | ast.Attribute(attr=owner), attr=name) if (
            owner in CLOCKS and name in CLOCK_METHODS
        ):
            return f"{owner}.{name}: time comes inside the command"
        case ast.Attribute(value=ast.Name(id="typing"), attr="Any" | "cast" as name):
            return f"typing.{name}: {REFUSED_NAMES[f'typing.{name}']}"
        case ast.AsyncFunctionDef() | ast.Await() | ast.AsyncFor() | ast.AsyncWith():
            return "async: deciding waits for nothing"
        case ast.Global():
            return "global: state is passed in and returned"
        case _:
            return None
