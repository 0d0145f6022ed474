"""Texts that people write into facts: bounded, on one line, and such as a table and a terminal can hold."""

import re
from dataclasses import dataclass
from typing import ClassVar

from domain.errors import Invalid

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
MAX_REASON = 256


@dataclass(kw_only=True, eq=False)
class MalformedText(Invalid):
    """A text is empty, too long, or has control characters."""

    code: ClassVar[str] = "malformed_text"
    sentence: ClassVar[str] = "The text is empty, too long or has control characters."
    most: int


def check_text(text: str, *at: str, most: int = MAX_REASON) -> None:
    """Raise `MalformedText` for what would stop a projection or a terminal that shows it."""
    if not text or len(text) > most or _UNPRINTABLE.search(text) is not None:
        raise MalformedText(most=most, at=at)
