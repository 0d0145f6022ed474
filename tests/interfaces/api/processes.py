"""The processes these tests start: `lastro api` and `lastro worker`, as the supervisor starts them.

They end with the pipe that is their standard input, so nothing outlives a killed test run.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
ENDS_WITHIN_S = 30


@contextmanager
def running(role: str, settings: Mapping[str, str], *, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run `lastro api` or `lastro worker` with these settings and no others; what it says goes to a file."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LASTRO_")}
    command = [sys.executable, "-m", "interfaces.cli.main", role, "--supervised"]
    with log.open("ab") as said:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**inherited, **settings}, stdin=subprocess.PIPE, stdout=said, stderr=said
        )
    with process:
        try:
            yield process
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(timeout=ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()  # The test fails all the same, and leaves nothing behind.
                raise
