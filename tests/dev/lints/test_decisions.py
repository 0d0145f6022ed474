import pytest

from dev.lints import decisions
from dev.lints.repository import Repository

RECORD = "# One event moves money\n\n## Context\n\na\n\n## Decision\n\nb\n\n## Consequences\n\nc\n\n## Proof\n\nd\n"


def test_a_record_with_the_fixed_headings_passes() -> None:
    assert list(decisions.check(Repository.of({"docs/decisions/0004-one-event.md": RECORD}))) == []


@pytest.mark.parametrize(
    "record",
    [
        RECORD.replace("## Proof\n", ""),
        RECORD.replace("## Context", "## Background"),
        RECORD + "\n## Alternatives\n",
        RECORD.removeprefix("# "),
        RECORD + "more\n" * 80,
    ],
)
def test_a_record_of_another_shape_is_reported(record: str) -> None:
    assert [finding.rule for finding in decisions.check(Repository.of({"docs/decisions/0004-one-event.md": record}))]


def test_two_records_do_not_share_a_number() -> None:
    texts = {"docs/decisions/0001-deciders.md": RECORD, "docs/decisions/0001-vault.md": RECORD}
    (finding,) = decisions.check(Repository.of(texts))
    assert finding.message == "number 0001 is taken by docs/decisions/0001-deciders.md"


def test_the_name_begins_with_a_number() -> None:
    assert list(decisions.check(Repository.of({"docs/decisions/Vault.md": RECORD})))
    assert list(decisions.check(Repository.of({"docs/decisions/README.md": "# Decisions"}))) == []
