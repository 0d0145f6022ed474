import pytest

from dev.lints import machine_paths
from dev.lints.repository import Repository

# Written in two parts, so that this file holds none of them.
BAD = [
    ".." + "/shared/data/market",
    "/" + "home/ana/lastro",
    "open('/" + "work/main/x')",
    "/" + "root/.cache",
    "C:" + "\\Users",
    "https://" + "pypi" + ".org/simple",
    "https://files.pythonhosted" + ".org/x.whl",
]

GOOD = [
    "docs/decisions/0001-deciders.md",
    "GET /api/v1/ledger/entries",
    "see https://www.apache.org/licenses/",
    "../orders/place.py",
    "the way home/back, root/leaf",
    "postgresql://127.0.0.1/lastro",
]


@pytest.mark.parametrize("text", BAD)
@pytest.mark.parametrize("path", ["README.md", "domain/money.py", "requirements.lock", ".ci/run"])
def test_a_path_of_one_machine_is_reported(path: str, text: str) -> None:
    findings = list(machine_paths.check(Repository.of({path: f"first line\n{text}\n"})))
    assert [(finding.line, finding.rule) for finding in findings] == [(2, "machine-paths")]


@pytest.mark.parametrize("text", GOOD)
def test_other_paths_pass(text: str) -> None:
    assert list(machine_paths.check(Repository.of({"README.md": text}))) == []


def test_ci_alone_says_where_market_data_lies() -> None:
    line = 'export LASTRO_MARKET_DATA="$PWD/..' + '/shared/data/market"\n'
    assert list(machine_paths.check(Repository.of({".ci/run": line}))) == []
    assert list(machine_paths.check(Repository.of({"Makefile": line}))) != []
