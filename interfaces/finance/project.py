"""Running dbt in this process, on the project in analytics/: no network, no words of its own, no file beside the data.

It connects as lastro_finance and is told where by the environment; passwords go there and nowhere else.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from interfaces.finance.errors import DbtFailed, FinanceNotSetUp

ANALYTICS = Path(__file__).resolve().parents[2] / "analytics"
PASSWORD = "DBT_ENV_SECRET_PASSWORD"  # noqa: S105 - the name of a variable, in the form that dbt hides in its log
_FINISHED = frozenset({"LogModelResult", "LogTestResult", "LogSeedResult", "LogSnapshotResult"})
_BAD = frozenset({"error", "fail", "runtime error"})

Told = Callable[[int, int], None]
"""Is told how many steps are done, and of how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What became of one model or check."""

    name: str
    kind: str
    status: str
    message: str
    seconds: float

    @property
    def is_bad(self) -> bool:
        """Whether it failed. What was skipped was skipped because of one that did."""
        return self.status in _BAD


class Dbt:
    """The project on one database, with its working files in a folder of the installation."""

    def __init__(self, url: str | None, folder: Path) -> None:
        if url is None:
            raise FinanceNotSetUp("LASTRO_FINANCE_URL is not set: the finance queries connect as lastro_finance")
        self.url = url
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def target(self) -> Path:
        """Where dbt leaves what it compiled."""
        return self.folder / "target"

    def run(self, *words: str, told: Told | None = None) -> list[Step]:
        """Run one command of dbt and return what became of its nodes. Raises `DbtFailed` where it could not run."""
        from dbt.cli.main import dbtRunner

        callbacks = [] if told is None else [_progress(told)]
        with _environment(self.url):
            done = dbtRunner(callbacks=callbacks).invoke([*self._options(), *words, *self._places()])
        if done.exception is not None:
            raise DbtFailed(str(done.exception))
        results = getattr(done.result, "results", ())
        return [_step(result) for result in results]

    def _options(self) -> Sequence[str]:
        return (
            "--log-level",
            "none",
            "--log-level-file",
            "info",
            "--no-use-colors",
            "--no-version-check",
            "--log-path",
            str(self.folder / "logs"),
        )

    def _places(self) -> Sequence[str]:
        project = str(ANALYTICS)
        return ("--project-dir", project, "--profiles-dir", project, "--target-path", str(self.target))


def _step(result: Any) -> Step:  # noqa: ANN401 - dbt's own result
    node = result.node
    return Step(
        name=node.name,
        kind=str(node.resource_type),
        status=str(result.status),
        message=result.message or "",
        seconds=result.execution_time,
    )


def _progress(told: Told) -> Callable[[Any], None]:
    def show(event: Any) -> None:  # noqa: ANN401 - dbt's own event
        if event.info.name in _FINISHED:
            data = event.data
            told(data.index, data.total if hasattr(data, "total") else data.num_models)

    return show


@contextmanager
def _environment(url: str) -> Iterator[None]:
    """Tell dbt where to connect, for as long as it runs."""
    parts = conninfo_to_dict(url)
    given = {
        "LASTRO_DBT_HOST": str(parts.get("host", "")),
        "LASTRO_DBT_PORT": str(parts.get("port", 5432)),
        "LASTRO_DBT_USER": str(parts.get("user", "")),
        "LASTRO_DBT_NAME": str(parts.get("dbname", "")),
        "LASTRO_DBT_SSLMODE": str(parts.get("sslmode", "prefer")),
        PASSWORD: str(parts.get("password", "") or ""),
        "DO_NOT_TRACK": "1",
    }
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
