import pytest

from dev.lints import layers
from dev.lints.repository import Repository


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("application/orders.py", "import fastapi"),
        ("projections/orders.py", "from starlette.requests import Request"),
        ("application/venues.py", "def connect():\n    import ccxt"),
        ("application/venues.py", 'from importlib import import_module\nccxt = import_module("ccxt.kraken")'),
        ("domain/money.py", "import stripe"),
        ("interfaces/bootstrap.py", "from tests.fakes import Venue"),
    ],
)
def test_the_world_in_an_inner_layer_is_reported(path: str, code: str) -> None:
    assert [finding.rule for finding in layers.check(Repository.of({path: code}))] == ["layers"]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("interfaces/api/app.py", "import fastapi"),
        ("application/codec.py", "import pydantic"),
        ("tests/interfaces/test_api.py", "import httpx"),
    ],
)
def test_each_library_where_it_belongs_passes(path: str, code: str) -> None:
    assert list(layers.check(Repository.of({path: code}))) == []
