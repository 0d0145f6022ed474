import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "pyproject.toml").read_text()
PYPROJECT = tomllib.loads(TEXT)
LAYERS = ("domain", "application", "projections", "interfaces", "dev")
NAMED = ("api", "bootstrap", "folding", "installation", "worker")
"""Modules of interfaces that a rule names, and the one that wires the API."""


def imports_are_kept(checkout: Path, path: str, code: str) -> bool:
    """Run our import rules over empty layers of which one file holds this code."""
    shutil.copy(ROOT / "pyproject.toml", checkout)
    for layer in LAYERS:
        (checkout / layer).mkdir()
        (checkout / layer / "__init__.py").write_text("")
        (checkout / layer / "part.py").write_text("")
    for name in NAMED:
        (checkout / "interfaces" / f"{name}.py").write_text("")
    (checkout / "interfaces" / "bootstrap.py").write_text("from interfaces import api\nimport uvicorn")
    (checkout / path).write_text(code)
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    return subprocess.run(command, cwd=checkout, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("domain/orders.py", "from application import part"),
        ("application/orders.py", "from projections import part"),
        ("projections/orders.py", "from interfaces import part"),
        ("application/orders.py", "from dev import part"),
        ("application/orders.py", "import fastapi"),
        ("projections/orders.py", "def lazily():\n    import typer"),
        ("domain/orders.py", "import pydantic"),
        ("interfaces/worker.py", "def lazily():\n    from interfaces import api"),
        ("interfaces/installation.py", "from interfaces import bootstrap"),
        ("interfaces/folding.py", "import starlette"),
    ],
)
def test_an_import_against_the_layers_is_refused(tmp_path: Path, path: str, code: str) -> None:
    assert not imports_are_kept(tmp_path, path, code)


def test_imports_that_follow_the_layers_are_kept(tmp_path: Path) -> None:
    layers = "".join(f"from {layer} import part as {layer}_part\n" for layer in LAYERS)
    assert imports_are_kept(tmp_path, "interfaces/bootstrap.py", f"import fastapi\n{layers}")


def test_every_ruff_rule_is_on_and_every_exception_has_its_reason() -> None:
    lint = PYPROJECT["tool"]["ruff"]["lint"]
    assert lint["select"] == ["ALL"]
    exceptions = [*lint["ignore"], *(rule for rules in lint["per-file-ignores"].values() for rule in rules)]
    for rule in exceptions:
        lines = re.findall(rf'^    .*"{rule}",.*$', TEXT, re.MULTILINE)
        assert lines
        assert all(re.search(r"# \w+", line) for line in lines)


def test_types_are_strict_and_warnings_are_errors() -> None:
    assert PYPROJECT["tool"]["mypy"]["strict"] is True
    assert PYPROJECT["tool"]["pytest"]["strict"] is True
    assert PYPROJECT["tool"]["pytest"]["filterwarnings"][0] == "error"
