"""A pytest plugin: with CI=true a skipped test fails the run, so that "green" never means "not run".

The only skip it lets pass is that of a test which takes the fixture `market_data`, and only where there is none.
"""

import os
from pathlib import Path

import pytest

VARIABLE = "LASTRO_MARKET_DATA"
NO_MARKET_DATA = f"no market data: {VARIABLE} names no folder"


@pytest.fixture(scope="session")
def market_data() -> Path:
    """Give the folder of real candles that LASTRO_MARKET_DATA names; a test that takes it is skipped without one."""
    folder = os.environ.get(VARIABLE)
    if not folder or not Path(folder).is_dir():
        pytest.skip(NO_MARKET_DATA)
    return Path(folder)


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
    skipped = [(one.nodeid, _reason(one)) for one in reporter.stats.get("skipped", [])]
    return [(nodeid, reason) for nodeid, reason in skipped if NO_MARKET_DATA not in reason]
