from pathlib import Path

import pytest

from dev.lints.__main__ import RULES, main
from dev.lock import command

PYPROJECT = """
[build-system]
requires = []
[project]
requires-python = ">=3.11"
dependencies = []
[tool.lastro.lints]
type_ignores = 0
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "requirements.lock").write_text(f"# {command(PYPROJECT)}\n")
    (tmp_path / "domain").mkdir()
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "utils.py").write_text("")
    return tmp_path


def test_findings_are_printed_with_their_place_and_fail_the_run(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "domain" / "money.py").write_text("import os\nfee = 0.1\n")
    assert main(checkout) == 1
    printed = capsys.readouterr().out
    assert "domain/money.py:1: pure-domain: import of os" in printed
    assert "domain/money.py:2: pure-domain: float" in printed
    assert ".venv" not in printed


def test_the_number_of_ignored_types_is_printed(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(checkout)
    assert "type: ignore 0 of 0" in capsys.readouterr().out


def test_every_rule_names_the_bug_it_prevents() -> None:
    modules = {rule.__module__ for rule in RULES}
    folder = Path(__file__).parents[3] / "dev" / "lints"
    rules = {path for path in folder.glob("*.py") if path.stem not in {"__init__", "__main__", "repository"}}
    assert modules == {f"dev.lints.{path.stem}" for path in rules}
    assert all(path.read_text().startswith('"""Prevents: ') for path in rules)


def test_the_pointer_of_a_second_working_tree_is_no_file_of_ours(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / ".git").write_text(f"gitdir: {Path('/', 'home', 'somebody', '.git', 'worktrees')}\n")
    main(checkout)
    assert "machine-paths" not in capsys.readouterr().out
