"""Verifications that auditors ask for over HTTP, as work of a worker: each in a process of its own.

One whose worker was killed goes on from what it had written down (docs/decisions/0037), if the next worker finds that.
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interfaces.settings import Settings
from projections.building import Told
from projections.job_runner import JobInterrupted, JobRefused
from projections.jobs import Job

_LONGEST_LINE = 2**26
"""Bytes of a report, at most."""


class VerificationFailed(Exception):
    """The process ended without an answer; what it said stands in the worker's log."""


class VerificationRuns:
    """Verifies the log that `url` leads to, as the role lastro_projector, with the keys of these settings."""

    def __init__(self, settings: Settings, *, url: str) -> None:
        self._settings = settings
        self._url = url

    async def verify(self, job: Job, told: Told) -> Mapping[str, Any]:
        """Verify what a job asks for and return the report of its tenant. Raises `JobRefused`, `JobInterrupted`."""
        file = self._settings.data / f"verification-{job.id}.progress"
        try:
            said = await self._apart(self._asked(job, file), told)
        except Exception:
            file.unlink(missing_ok=True)
            raise
        match said:
            case {"report": report}:
                return dict(report)
            case {"interrupted": reason}:
                raise JobInterrupted(reason)
            case {"refused": {"code": code, "detail": detail}}:
                file.unlink(missing_ok=True)
                raise JobRefused(code, detail=detail)
            case _:
                raise AssertionError(said)

    def _asked(self, job: Job, file: Path) -> Mapping[str, Any]:
        return {
            "url": self._url,
            "tenant": job.tenant,
            "first": job.first,
            "last": job.last,
            "file": str(file),
            "evidence_key": str(self._settings.evidence_key),
            "master_key": str(self._settings.master_key),
        }

    async def _apart(self, asked: Mapping[str, Any], told: Told) -> Mapping[str, Any]:
        """Let a process verify, tell how far it is, and return what it says last. Raises `VerificationFailed`."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "interfaces.audit.apart", stdin=pipe, stdout=pipe, limit=_LONGEST_LINE
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(asked).encode() + b"\n")
            async for line in process.stdout:
                match json.loads(line):
                    case {"reached": reached, "goal": goal}:
                        told(reached, goal)
                    case said:
                        return dict(said)
            raise VerificationFailed(f"exit status {await process.wait()}")
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
