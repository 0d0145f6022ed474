"""Old events read as new ones: one pure function per retired stored name. The log itself is never rewritten.

An upcaster takes and returns the JSON object of the fact. The old JSON stays in tests/fixtures/events/ for ever and
is decoded in every run of the tests.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Fact = dict[str, Any]


class Upcaster(NamedTuple):
    """The step from a retired name to its successor."""

    successor: str
    upcast: Callable[[Fact], Fact]


UPCASTERS: Mapping[str, Upcaster] = {}
