"""A verification that stands still halfway, to be killed: `python -m tests.interfaces.audit.verifier URL FILE`."""

import sys
from pathlib import Path

from interfaces.audit import verify as verifying
from interfaces.audit.verify import verify
from tests.interfaces.audit.resumed import SEALS

RANGE = 3


def main() -> None:
    """Verify with two processes until half of the work is done, say so, and wait for the end."""

    def told(done: int, total: int) -> None:
        if 2 * done >= total:
            sys.stdout.write("half\n")
            sys.stdout.flush()
            sys.stdin.read()

    verifying.RANGE, verifying.WORTH_A_HELPER = RANGE, 1
    verify(sys.argv[1], told=told, seals=SEALS, progress=Path(sys.argv[2]))


if __name__ == "__main__":
    main()
