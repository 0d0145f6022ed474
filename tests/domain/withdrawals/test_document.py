"""docs/withdrawals.md shows the transitions that the decider has."""

import re
from pathlib import Path

from domain.withdrawals.withdrawal import LEADS_TO

DOCUMENT = Path(__file__).parents[3] / "docs" / "withdrawals.md"


def test_the_document_shows_every_act_with_its_statuses() -> None:
    rows = re.findall(r"^\| (\w+) \| (\w+) \| (\w+) \| ", DOCUMENT.read_text(), re.MULTILINE)
    shown = {act: (before, then) for act, before, then in rows if act != "act"}
    assert shown == {act.__name__: (before.value, then.value) for act, (before, then) in LEADS_TO.items()}
