"""A verification in a process of its own, for a worker: `python -m interfaces.audit.apart`.

It reads what to verify as a line of JSON, and says line by line how far it is and at last what came of it. It ends with
the pipe that is its standard input, so nothing goes on verifying for a worker that was killed.
"""

import json
import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from psycopg import OperationalError

from interfaces.audit.own import own_report
from interfaces.audit.resuming import BeingWritten, CannotResume
from interfaces.audit.scope import NoSuchRange
from interfaces.audit.seals import seals_of
from interfaces.audit.verify import verify

KEPT = 200
"""Findings of a check that are looked at for whose they are."""
_NICE = 10
"""Whoever serves requests comes first."""


def main() -> None:
    """Verify what standard input asks for."""
    asked = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_the_pipe, daemon=True).start()
    os.nice(_NICE)
    _say(_verified(asked))


def _verified(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return what came of it: a report, a refusal, or that it is to be begun again."""
    url, file = str(asked["url"]), Path(asked["file"])
    seals = seals_of(Path(asked["evidence_key"]), Path(asked["master_key"]))
    try:
        verified = verify(
            url,
            processes=1,
            told=lambda done, total: _say({"reached": done, "goal": total}),
            seals=seals,
            first=asked["first"],
            last=asked["last"],
            kept=KEPT,
            progress=file,
        )
        return {"report": own_report(url, verified, asked["tenant"])}
    except NoSuchRange as error:
        return {"refused": {"code": "no_such_range", "detail": str(error)}}
    except (BeingWritten, OperationalError) as error:
        return {"interrupted": str(error)}
    except CannotResume as error:
        detail = str(error).replace(str(file), "what the interrupted run wrote down")
        return {"refused": {"code": "cannot_resume", "detail": detail}}


def _say(said: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def _end_with_the_pipe() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
