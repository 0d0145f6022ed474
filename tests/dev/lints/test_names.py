import pytest

from dev.lints import names
from dev.lints.repository import Repository


@pytest.mark.parametrize(
    "path",
    [
        "domain/utils.py",
        "application/common/clock.py",
        "interfaces/base.py",
        "interfaces/session_manager.py",
        "application/services/orders.py",
        "tests/helpers.py",
        "schema/projections/misc.sql",
    ],
)
def test_a_name_that_says_nothing_is_reported(path: str) -> None:
    assert [finding.rule for finding in names.check(Repository.of({path: ""}))] == ["names"]


@pytest.mark.parametrize("name", ["OrderManager", "LedgerService", "DateUtils"])
def test_a_class_that_says_nothing_is_reported(name: str) -> None:
    assert [finding.line for finding in names.check(Repository.of({"domain/orders.py": f"\nclass {name}: ..."}))] == [2]


@pytest.mark.parametrize("path", ["domain/money.py", "application/base_versions.py", "interfaces/postgres/server.py"])
def test_a_subject_passes(path: str) -> None:
    assert list(names.check(Repository.of({path: "class Settlement: ..."}))) == []
