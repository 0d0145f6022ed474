import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROMISED = {"help", "demo", "test", "test-slow", "check", "bench", "fmt", "migrate"}


def make(folder: Path, *arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PATH": path or os.environ["PATH"]}
    for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        environment.pop(name, None)
    command = [shutil.which("make") or "make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder that looks as if its environment were ready; nothing in it can run."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").write_text("")
    (tmp_path / ".venv" / "bin" / "python").chmod(0o755)
    (tmp_path / ".venv" / ".setup").write_text(str(tmp_path))
    return tmp_path


def test_help_is_the_default_and_has_a_line_for_every_target() -> None:
    printed = {line.split()[0] for line in make(ROOT).stdout.splitlines()}
    declared = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[0].split()
    assert set(declared) == printed
    assert printed >= PROMISED


def test_a_ready_environment_is_left_alone(checkout: Path) -> None:
    assert "environment.py" not in make(checkout, "--dry-run", "test").stdout


def test_another_lock_brings_the_environment_up_to_date(checkout: Path) -> None:
    stamp = checkout / ".venv" / ".setup"
    os.utime(stamp, (0, 0))
    assert "environment.py" in make(checkout, "--dry-run", "test").stdout


def test_a_copied_environment_is_made_again(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    copied = tmp_path_factory.mktemp("elsewhere") / "copy"
    shutil.copytree(checkout, copied)
    assert "environment.py" in make(copied, "--dry-run", "demo").stdout


def test_an_environment_whose_python_is_gone_is_made_again(checkout: Path) -> None:
    (checkout / ".venv" / "bin" / "python").unlink()
    assert "environment.py" in make(checkout, "--dry-run", "demo").stdout


def test_a_machine_without_a_new_enough_python_is_told_what_is_missing(checkout: Path) -> None:
    (checkout / ".venv" / ".setup").unlink()
    tools = checkout / "tools"
    tools.mkdir()
    (tools / "sh").symlink_to("/bin/sh")
    (tools / "python3").write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\nexit 1\n')
    (tools / "python3").chmod(0o755)
    refused = make(checkout, "test", path=str(tools))
    assert refused.returncode == 2
    assert "needs Python 3.11 or newer" in refused.stderr
    assert "found: Python 3.9.2" in refused.stderr
