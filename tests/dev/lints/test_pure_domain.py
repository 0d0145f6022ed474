import pytest

from dev.lints import pure_domain
from dev.lints.repository import Repository

BAD = [
    "fee = 0.1",
    "def fee(rate: float) -> int: ...",
    "fee = float(text)",
    "half = total / 2",
    "total /= 2",
    "import time",
    "from datetime import datetime\nnow = datetime.now()",
    "import datetime\nnow = datetime.datetime.utcnow()",
    "today = date.today()",
    "class C:\n    at: datetime = field(default_factory=datetime.now)",
    "seconds = (later - earlier).total_seconds()",
    "import uuid",
    "from random import randint",
    "import secrets",
    "import os",
    "import socket",
    "from pathlib import Path",
    "import logging",
    "import asyncio",
    "import json",
    "import pydantic",
    "from application import store",
    "text = open('file').read()",
    "print(state)",
    "async def decide(): ...",
    "from typing import Any",
    "from typing import cast",
    "import typing\nx: typing.Any",
    "key = hash(name)",
    "from math import sqrt",
    "from operator import truediv",
    "def f():\n    global seen",
]

GOOD = [
    "from collections.abc import Mapping\nfrom dataclasses import dataclass",
    "from domain.money import Amount",
    "from math import gcd",
    "from datetime import datetime\n\ndef decide(at: datetime) -> None: ...",
    "half, rest = divmod(total, 2)\nthird = total // 3",
    "def decide(state, command): return command.now",
    "class Entry:\n    id: str",
    '"""A float cannot hold 0.1; nothing here prints or opens."""',
    "is_open = order.open",
]


@pytest.mark.parametrize("code", BAD)
def test_what_answers_differently_the_second_time_is_reported(code: str) -> None:
    (finding, *_) = pure_domain.check(Repository.of({"domain/ledger/book.py": code}))
    assert (finding.path, finding.rule) == ("domain/ledger/book.py", "pure-domain")


@pytest.mark.parametrize("code", GOOD)
def test_pure_code_passes(code: str) -> None:
    assert list(pure_domain.check(Repository.of({"domain/ledger/book.py": code}))) == []


def test_outer_layers_may_look_at_the_clock() -> None:
    code = "from datetime import UTC, datetime\nnow = datetime.now(UTC)"
    assert list(pure_domain.check(Repository.of({"interfaces/clock.py": code}))) == []


def test_a_finding_names_path_line_rule_and_reason() -> None:
    (finding,) = pure_domain.check(Repository.of({"domain/money.py": "a = 1\nb = 0.5\n"}))
    assert str(finding) == "domain/money.py:2: pure-domain: float: it cannot hold money"
