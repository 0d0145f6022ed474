"""The files that the rules look at, and what a rule reports about them. It judges nothing itself."""

import ast
import io
import os
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

LAYERS = ("domain", "application", "projections", "interfaces")
GENERATED = ("__pycache__", "build", "dist", "node_modules")


@dataclass(frozen=True, kw_only=True, order=True)
class Finding:
    """One place that breaks one rule."""

    path: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"


@dataclass(frozen=True)
class Source:
    """One text file; Python is parsed at most once, however many rules look at it."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """Return the syntax tree of a Python file."""
        return ast.parse(self.text, self.path)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Return all nodes of the syntax tree."""
        return tuple(ast.walk(self.tree))

    @cached_property
    def comments(self) -> tuple[tuple[int, str], ...]:
        """Return every comment of a Python file with its line number."""
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return tuple((token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT)

    @cached_property
    def strings(self) -> tuple[tuple[int, str], ...]:
        """Return every string that is not a docstring, an f-string as one text with {} for its parts."""
        prose = {id(node.value) for node in self.nodes if isinstance(node, ast.Expr)}
        prose |= {id(part) for node in self.nodes if isinstance(node, ast.JoinedStr) for part in node.values}
        return tuple(
            (node.lineno, _text(node))
            for node in self.nodes
            if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in prose and _text(node)
        )

    def finding(self, rule: str, line: int, message: str) -> Finding:
        """Report a line of this file."""
        return Finding(path=self.path, line=line, rule=rule, message=message)


@dataclass(frozen=True)
class Repository:
    """All text files of a checkout by their path from its root, written with slashes."""

    files: Mapping[str, Source]

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> "Repository":
        """Make a repository of texts by path."""
        return cls({path: Source(path, text) for path, text in sorted(texts.items())})

    @classmethod
    def read(cls, root: Path) -> "Repository":
        """Read a checkout; what tools have made, dot folders but `.ci`, and files that are not text stay out.

        In a second working tree `.git` is a file that names the first one's place: a tool made that too.
        """
        texts = {}
        for folder, folders, names in os.walk(root):
            folders[:] = [name for name in folders if name == ".ci" or not _is_made_by_tools(name)]
            for name in set(names) - {".git"}:
                path = Path(folder, name)
                try:
                    texts[path.relative_to(root).as_posix()] = path.read_text(encoding="utf-8")
                except UnicodeDecodeError:
                    continue
        return cls.of(texts)

    def select(self, suffix: str, *folders: str) -> Iterator[Source]:
        """Return the files with this suffix below any of the folders; below the root when none is named."""
        for path, source in self.files.items():
            if path.endswith(suffix) and (not folders or path.startswith(tuple(f"{one}/" for one in folders))):
                yield source


def imports(source: Source) -> Iterator[tuple[int, str]]:
    """Return every imported module with its line; `from a import b` counts as `a.b`."""
    for node in source.nodes:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def _is_made_by_tools(folder: str) -> bool:
    return folder.startswith(".") or folder in GENERATED or folder.endswith(".egg-info")


def _text(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(value)):
            return value
        case ast.JoinedStr(values=values):
            return "".join(_text(part) or "{}" for part in values)
        case _:
            return ""
