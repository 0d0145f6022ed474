"""Two processes share pieces of work: each piece is done once, and a helper that dies or fails is noticed."""

import os
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

import pytest

from interfaces.audit.crew import AT_ONCE, Orders, do_alone, share_out
from interfaces.audit.snapshot import Connection, one, open_snapshot
from interfaces.postgres.configuration import Urls
from tests.interfaces.audit.meeting import die, fail, live, pieces_at

_SNAPSHOT = "SELECT pg_current_snapshot()::text"


@pytest.fixture
def connection(database: Urls) -> Iterator[Connection]:
    with open_snapshot(database.projector) as opened:
        yield opened


@pytest.mark.parametrize("pieces", [0, 1, AT_ONCE, AT_ONCE + 1, 5 * AT_ONCE + 7])
def test_every_piece_is_handed_out_once_however_many_there_are(pieces: int) -> None:
    orders, all_pieces = Orders(pieces), range(pieces)
    taken = [number for order in iter(orders.take, None) for number in all_pieces[order]]
    assert taken == list(all_pieces)
    assert orders.take() is None


def test_two_processes_do_every_piece_once(database: Urls, connection: Connection, tmp_path: Path) -> None:
    done = list(share_out(pieces_at(tmp_path / "meeting", live), connection, database.projector))
    assert sorted(number for number, _ in done) == [0, 1]
    assert os.getpid() in {process for _, process in done}
    assert len({process for _, process in done}) == 2


def test_both_processes_read_in_one_snapshot(database: Urls, connection: Connection) -> None:
    seen = share_out([partial(one, query=_SNAPSHOT)] * 40, connection, database.projector)
    assert len(set(seen)) == 1


def test_without_a_helper_the_last_piece_comes_first(connection: Connection) -> None:
    pieces = [lambda _, number=number: number for number in range(3)]
    assert list(do_alone(pieces, connection)) == [2, 1, 0]


@pytest.mark.crash
def test_a_helper_that_is_killed_ends_the_work(database: Urls, connection: Connection, tmp_path: Path) -> None:
    with pytest.raises(BrokenProcessPool):
        list(share_out(pieces_at(tmp_path / "meeting", die), connection, database.projector))


def test_what_fails_in_the_helper_fails_here(database: Urls, connection: Connection, tmp_path: Path) -> None:
    with pytest.raises(LookupError):
        list(share_out(pieces_at(tmp_path / "meeting", fail), connection, database.projector))
