import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SKIPS = "import pytest\n\ndef test_runs(): ...\n\ndef test_skips(): pytest.skip({reason!r})\n"
TAKES = "def test_takes(market_data): assert market_data.is_dir()\n"


def run(folder: Path, tests: str, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_one.py").write_text(tests)
    (folder / "pytest.toml").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-p", "dev.skips", "-p", "no:cacheprovider", "-q", str(folder)]
    inherited = {name: value for name, value in os.environ.items() if name not in {"CI", "LASTRO_MARKET_DATA"}}
    given = {**inherited, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment}
    return subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=False)


def test_a_skip_fails_the_run_in_ci_and_only_there(tmp_path: Path) -> None:
    tests = SKIPS.format(reason="no server")
    assert run(tmp_path, tests).returncode == 0
    refused = run(tmp_path, tests, CI="true")
    assert refused.returncode == 1
    assert "skipped in CI" in refused.stdout
    assert "no server" in refused.stdout


def test_a_test_of_market_data_may_skip_in_ci_where_there_is_none(tmp_path: Path) -> None:
    skipped = run(tmp_path, TAKES, CI="true", LASTRO_MARKET_DATA=str(tmp_path / "nowhere"))
    assert skipped.returncode == 0
    assert "1 skipped" in skipped.stdout


def test_market_data_that_is_there_is_used(tmp_path: Path) -> None:
    used = run(tmp_path, TAKES, CI="true", LASTRO_MARKET_DATA=str(tmp_path))
    assert used.returncode == 0
    assert "1 passed" in used.stdout
    refused = run(tmp_path, SKIPS.format(reason="no market data today"), CI="true", LASTRO_MARKET_DATA=str(tmp_path))
    assert refused.returncode == 1
