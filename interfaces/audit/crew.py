"""Shares work between this process and a helper that reads in the same snapshot: two processors, one moment."""

import gc
import multiprocessing
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import ClassVar, TypeVar

from interfaces.audit.snapshot import Connection, open_snapshot, share

T = TypeVar("T")

HANDED_OUT = 2
"""Pieces that are at the helper: enough that it never waits, few enough that both end at about the same time."""


class _Kept:
    """What the helper keeps between two pieces of work."""

    connection: ClassVar[Connection]


@contextmanager
def helper(url: str, connection: Connection) -> Iterator[Executor]:
    """Give a process that reads in the snapshot of `connection`.

    It is a fork where that is safe: importing everything again takes half a second. It leaves our connection alone.
    """
    context = multiprocessing.get_context("fork" if _is_only_thread() else "spawn")
    executor = ProcessPoolExecutor(1, mp_context=context, initializer=_join, initargs=(url, share(connection)))
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep Python from looking for cyclic garbage, of which folding makes none: it costs a fifth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def share_out(
    pieces: Sequence[Callable[[Connection], T]], connection: Connection, executor: Executor | None
) -> Iterator[T]:
    """Do all pieces and yield what they come to, in any order: the helper begins with the first, we with the last.

    A piece travels: it is a function of a module with its arguments bound.
    """
    waiting = deque(pieces)
    handed_out: deque[Future[T]] = deque()
    while waiting or handed_out:
        while executor is not None and waiting and len(handed_out) < HANDED_OUT:
            handed_out.append(executor.submit(_do, waiting.popleft()))
        if handed_out and (handed_out[0].done() or not waiting):
            yield handed_out.popleft().result()
        else:
            yield waiting.pop()(connection)


def _is_only_thread() -> bool:
    """Tell whether no lock can be held by a thread that a fork would leave behind; elsewhere than on Linux, never."""
    return sys.platform == "linux" and threading.active_count() == 1


def _join(url: str, shared: str) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    gc.disable()
    _Kept.connection = open_snapshot(url, shared=shared)


def _end_with_parent() -> None:
    """End when the process that works with us is killed: a helper left behind would keep its snapshot for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _do(piece: Callable[[Connection], T]) -> T:
    return piece(_Kept.connection)
