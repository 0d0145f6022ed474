import pytest

from dev.lints import ignores
from dev.lints.repository import Repository

# Written in two parts, so that this file holds no ignore.
NOQA = "# no" + "qa"
TYPE = "# type: " + "ignore"


def findings(code: str, limit: int = 0) -> list[str]:
    texts = {"domain/money.py": code, "pyproject.toml": f"[tool.lastro.lints]\ntype_ignores = {limit}\n"}
    return [finding.path for finding in ignores.check(Repository.of(texts))]


@pytest.mark.parametrize(
    "comment",
    [
        NOQA,
        f"{NOQA}: S608",
        f"{NOQA}: S608, E501",
        f"# ruff: {NOQA[2:]}",
        "# mypy: " + "ignore-errors",
        f"{NOQA} as it is",
    ],
)
def test_an_ignore_without_rule_or_reason_is_reported(comment: str) -> None:
    assert findings(f"x = 1  {comment}\n") == ["domain/money.py"]


@pytest.mark.parametrize("comment", [f"{NOQA}: S608 – the name is ours", f"{NOQA}: S608, E501 the name is ours"])
def test_an_ignore_with_rule_and_reason_passes(comment: str) -> None:
    assert findings(f"x = 1  {comment}\n") == []


def test_text_about_ignores_passes() -> None:
    assert findings(f'x = "{NOQA}"\n') == []


def test_the_number_of_ignored_types_is_the_recorded_one() -> None:
    ignored = f"x = 1  {TYPE}[misc]  # the stub is wrong\n"
    assert findings(ignored, limit=1) == []
    assert findings(ignored, limit=0) == ["pyproject.toml"]
    assert findings("x = 1\n", limit=1) == ["pyproject.toml"]
