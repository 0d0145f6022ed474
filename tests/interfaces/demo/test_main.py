import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

DEMO = (sys.executable, "-m", "interfaces.cli.main", "demo")
HEADER = "note\ndate,symbol,open,high,low,close,volume_btc,volume\n"


def start(home: Path, *options: str) -> subprocess.Popen[str]:
    """Start the demo with a temporary directory of its own, so that what it leaves behind is seen."""
    environment = {**os.environ, "TMPDIR": str(home)}
    return subprocess.Popen(
        (*DEMO, *options), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.crash
@pytest.mark.timeout(240)
def test_the_demo_reads_back_what_it_computed_and_leaves_nothing_behind(home: Path) -> None:
    process = start(home, "--json")
    output, errors = process.communicate(timeout=200)
    outcome = json.loads(output)
    assert (process.returncode, outcome["differences"], outcome["fine"]) == (0, [], True), errors
    assert len(outcome["fills"]) == len(outcome["orders"]) == 14
    assert {total["difference"] for total in outcome["trial_balance"]["totals"]} == {"0.00"}
    assert list(home.iterdir()) == []


@pytest.mark.crash
@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("moment", "number"),
    [
        ("30 %", signal.SIGINT),
        *(
            pytest.param(moment, number, marks=pytest.mark.slow)
            for moment in ("starting an installation", "up at", "30 %")
            for number in (signal.SIGINT, signal.SIGTERM)
            if (moment, number) != ("30 %", signal.SIGINT)
        ),
    ],
)
def test_an_interrupted_demo_ends_its_processes_and_removes_its_folder(
    home: Path, moment: str, number: signal.Signals
) -> None:
    process = start(home)
    assert process.stderr is not None
    for line in process.stderr:
        if moment in line:
            break
    process.send_signal(number)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert list(home.iterdir()) == []
    assert not [one for one in Path("/proc").glob("[0-9]*/cmdline") if str(home).encode() in _read(one)]


def test_a_file_that_holds_no_candles_is_refused_before_anything_starts(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "candles.csv"
    path.write_text(f"{HEADER}2019-10-01,BTCUSD,nonsense\n")
    process = start(home, "--candles", str(path))
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "line 3: 3 columns instead of 8" in errors
    assert list(home.iterdir()) == []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
