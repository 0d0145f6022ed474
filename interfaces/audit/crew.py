"""Shares work between this process and a helper that reads in the same snapshot: two processors, one moment."""

import gc
import multiprocessing
import os
import select
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any, ClassVar, TypeVar

from interfaces.audit.snapshot import Connection, open_snapshot, share

T = TypeVar("T")
Work = Callable[[Connection], T]

_NUMBER = 4
"""Bytes of the number of a piece."""
AT_ONCE = select.PIPE_BUF // _NUMBER
"""As many numbers as every pipe takes while nobody reads."""


class Orders:
    """Numbers of pieces in a pipe, from which both processes take: the system hands each to one of them.

    So neither waits for the other, and nothing is locked if one is killed. Many pieces are handed out in stretches.
    """

    def __init__(self, pieces: int) -> None:
        self._stretch = max(1, -(-pieces // AT_ONCE))
        firsts = range(0, pieces, self._stretch)
        self.count = len(firsts)
        self._taking, giving = multiprocessing.Pipe(duplex=False)
        os.write(giving.fileno(), b"".join(first.to_bytes(_NUMBER) for first in firsts))
        giving.close()

    def take(self) -> slice | None:
        """Return which pieces come next; None when all are taken."""
        number = os.read(self._taking.fileno(), _NUMBER)
        first = int.from_bytes(number)
        return slice(first, first + self._stretch) if number else None


class _Kept:
    """What the helper keeps between two pieces of work."""

    connection: ClassVar[Connection]
    pieces: ClassVar[Sequence[Work[Any]]]
    orders: ClassVar[Orders]


def do_alone(pieces: Sequence[Work[T]], connection: Connection) -> Generator[T]:
    """Do all pieces and yield what they come to, the last first: what is found in ranges of a log holds as it grows."""
    for piece in reversed(pieces):
        yield piece(connection)


def share_out(pieces: Sequence[Work[T]], connection: Connection, url: str) -> Generator[T]:
    """Do all pieces together with a helper and yield what they come to, in any order: both begin with the first.

    The helper is a fork where that is safe: importing everything again takes half a second. It leaves our connection
    alone. Where it is none pieces travel to it: functions of modules with their arguments bound.
    """
    context = multiprocessing.get_context("fork" if _is_only_thread() else "spawn")
    orders = Orders(len(pieces))
    work = pieces, orders
    executor = ProcessPoolExecutor(1, mp_context=context, initializer=_join, initargs=(url, share(connection), work))
    try:
        asked: deque[Future[list[T]]] = deque(executor.submit(_do_next) for _ in range(orders.count))
        while (ours := orders.take()) is not None:
            for piece in pieces[ours]:
                yield piece(connection)
            while asked and asked[0].done():
                yield from asked.popleft().result()
        executor.shutdown(cancel_futures=True)
        for theirs in asked:
            if not theirs.cancelled():
                yield from theirs.result()
    finally:
        executor.shutdown(cancel_futures=True)


def _is_only_thread() -> bool:
    """Tell whether no lock can be held by a thread that a fork would leave behind; elsewhere than on Linux, never."""
    return sys.platform == "linux" and threading.active_count() == 1


def _join(url: str, shared: str, work: tuple[Sequence[Work[Any]], Orders]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    gc.disable()
    _Kept.pieces, _Kept.orders = work
    _Kept.connection = open_snapshot(url, shared=shared)


def _end_with_parent() -> None:
    """End when the process that works with us is killed: a helper left behind would keep its snapshot for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _do_next() -> list[Any]:
    """Do the next pieces; none where all are taken."""
    ours = _Kept.orders.take()
    return [] if ours is None else [piece(_Kept.connection) for piece in _Kept.pieces[ours]]
