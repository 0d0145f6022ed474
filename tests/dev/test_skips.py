import os
import subprocess
import sys
from pathlib import Path

import pytest

from dev.skips import is_allowed

ROOT = Path(__file__).parents[2]
TESTS = """
import pytest

def test_runs(): ...

def test_skips(): pytest.skip({reason!r})
"""


def run(folder: Path, reason: str, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_one.py").write_text(TESTS.format(reason=reason))
    (folder / "pytest.toml").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-p", "dev.skips", "-p", "no:cacheprovider", "-q", str(folder)]
    inherited = {name: value for name, value in os.environ.items() if name not in {"CI", "LASTRO_MARKET_DATA"}}
    return subprocess.run(command, cwd=ROOT, env=inherited | environment, capture_output=True, text=True, check=False)


def test_a_skip_fails_the_run_in_ci_only(tmp_path: Path) -> None:
    assert run(tmp_path, "no server").returncode == 0
    refused = run(tmp_path, "no server", CI="true")
    assert refused.returncode == 1
    assert "skipped in CI" in refused.stdout
    assert "no server" in refused.stdout


def test_missing_market_data_may_skip_in_ci(tmp_path: Path) -> None:
    missing = str(tmp_path / "nowhere")
    assert run(tmp_path, "no market data", CI="true", LASTRO_MARKET_DATA=missing).returncode == 0


@pytest.mark.parametrize("reason", ["no market data", "Market data is missing"])
def test_market_data_that_is_there_must_be_used(tmp_path: Path, reason: str) -> None:
    assert is_allowed(reason, None)
    assert is_allowed(reason, str(tmp_path / "nowhere"))
    assert not is_allowed(reason, str(tmp_path))
