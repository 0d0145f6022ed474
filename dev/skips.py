"""A pytest plugin: with CI=true a skipped test fails the run, so that "green" never means "not run".

The only skip it lets pass is that of a test which needs market data, and only where there is no such data.
"""

import os
from pathlib import Path

import pytest

MARKET_DATA_REASON = "market data"


def is_allowed(reason: str, market_data: str | None) -> bool:
    """Tell whether a test may be skipped in CI for this reason; market_data is the folder the tests were given."""
    present = bool(market_data) and Path(str(market_data)).is_dir()
    return MARKET_DATA_REASON in reason.lower() and not present


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the skips that CI does not let pass."""
    for nodeid, reason in _refused(terminalreporter):
        terminalreporter.write_line(f"skipped in CI: {nodeid}: {reason}", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Turn a passing run into a failing one when something was skipped that CI does not let pass."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if isinstance(reporter, pytest.TerminalReporter) and session.exitstatus == 0 and _refused(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _refused(reporter: pytest.TerminalReporter) -> list[tuple[str, str]]:
    if os.environ.get("CI") != "true":
        return []
    market_data = os.environ.get("LASTRO_MARKET_DATA")
    skipped = reporter.stats.get("skipped", [])
    return [(one.nodeid, _reason(one)) for one in skipped if not is_allowed(_reason(one), market_data)]
