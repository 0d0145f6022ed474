import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
MAKE = '#!/bin/sh\necho "make $* $LASTRO_MARKET_DATA"\n[ "$1" != "$FAILING" ]\n'


def run(folder: Path, failing: str = "") -> subprocess.CompletedProcess[str]:
    """Run a copy of .ci/run from elsewhere, with a make that prints what it was asked."""
    checkout = folder / "checkout"
    (checkout / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", checkout / ".ci" / "run")
    (folder / "make").write_text(MAKE)
    (folder / "make").chmod(0o755)
    environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}", "FAILING": failing}
    command = [str(checkout / ".ci" / "run")]
    return subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, check=False)


def test_ci_runs_check_and_test_and_says_where_market_data_lies(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 0
    (check, test) = (line.split() for line in done.stdout.splitlines())
    assert (check[:2], test[:2]) == (["make", "check"], ["make", "test"])
    assert Path(check[2]).is_absolute()
    assert Path(os.path.normpath(check[2])) == tmp_path / "shared" / "data" / "market"


def test_a_failing_check_fails_ci(tmp_path: Path) -> None:
    assert run(tmp_path, failing="check").returncode == 1


def test_failing_tests_fail_ci(tmp_path: Path) -> None:
    assert run(tmp_path, failing="test").returncode == 1
