"""Any commands leave a book as the rules want it; with any one rule deleted, some commands do not."""

import ast
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from types import FunctionType, ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import claims
from domain.ledger import book, entry, manual
from tests.domain.ledger.random_books import History, random_command

COMMANDS, RUNS = 30, 100


def run_all() -> int:
    """Return how many of RUNS × COMMANDS random commands were accepted, always the same ones."""
    return sum(run(Random(seed)) for seed in range(RUNS))


def run(random: Random) -> int:
    """Submit random commands to a new book. Return how many were accepted."""
    history = History()
    drawn = (random_command(random, history) for _ in range(COMMANDS))
    return sum(command is not None and history.submit(command) for command in drawn)


@given(st.randoms())
@settings(max_examples=150, deadline=None)
def test_any_commands_leave_a_book_as_the_rules_want_it(random: Random) -> None:
    run(random)


def test_at_least_half_of_the_random_commands_are_accepted() -> None:
    assert run_all() * 2 >= RUNS * COMMANDS


def rules_of(module: ModuleType, function: str) -> Iterator[tuple[ModuleType, str, str]]:
    """Name every error that a function raises: each is a rule."""
    tree = ast.parse(inspect.getsource(getattr(module, function)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name):
            yield module, function, node.exc.func.id


RULES = [
    *rules_of(entry, "_check_balance"),
    *rules_of(manual, "check_manual"),
    *rules_of(book, "book_of"),
    *rules_of(book, "decide"),
    *rules_of(book, "_reversal"),
    *rules_of(book, "_guarded"),
    *rules_of(book, "_check_receivables"),
    (claims, "decide", "AlreadyReversed"),
]


class WithoutRaise(ast.NodeTransformer):
    """Delete the word `raise` before one error."""

    def __init__(self, error: str) -> None:
        self.error = error
        self.deleted = 0

    def visit_Raise(self, node: ast.Raise) -> ast.stmt:
        if isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name) and node.exc.func.id == self.error:
            self.deleted += 1
            return ast.copy_location(ast.Expr(node.exc), node)
        return node


@contextmanager
def without(module: ModuleType, function: str, error: str) -> Iterator[None]:
    """Run a function without one of its rules."""
    original = getattr(module, function)
    assert isinstance(original, FunctionType)
    deletion = WithoutRaise(error)
    tree = ast.fix_missing_locations(deletion.visit(ast.parse(inspect.getsource(original))))
    assert deletion.deleted == 1
    namespace: dict[str, object] = dict(vars(module))
    exec(compile(tree, str(module.__file__), "exec"), namespace)  # noqa: S102 - our own function, less one word
    mutated, code = namespace[function], original.__code__
    assert isinstance(mutated, FunctionType)
    try:
        original.__code__ = mutated.__code__
        yield
    finally:
        original.__code__ = code


@pytest.mark.parametrize(("module", "function", "error"), RULES, ids=[error for _, _, error in RULES])
def test_a_book_without_one_of_its_rules_is_found_out(module: ModuleType, function: str, error: str) -> None:
    with without(module, function, error), pytest.raises(AssertionError):
        run_all()
