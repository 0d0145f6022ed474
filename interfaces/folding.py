"""Another process that folds a share of the log for whoever rebuilds read models: two processors for one rebuild.

It has connections of its own, commits nothing but rows of generations that are being built, and ends with us.
"""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import ClassVar

from application.store import Connection, Store, speak_hex_ids
from interfaces.collecting import collect_rarely
from interfaces.postgres import connections
from projections.building import fold_part
from projections.changes import Changes
from projections.generations import Generation
from projections.models import PROJECTIONS
from projections.parts import Apart, Part

_NAME = "lastro-folding"


class _Kept:
    """What the process keeps between two parts."""

    url: ClassVar[str]
    runner: ClassVar[asyncio.Runner]
    opened: ClassVar[tuple[Store, Connection] | None] = None
    """What it reads with and writes on, until the process ends."""


@contextmanager
def folding_apart(url: str) -> Iterator[Apart]:
    """Give a way to fold apart, in a process that starts when it is first asked. `url` is of the projector's role."""
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(1, mp_context=context, initializer=_begin, initargs=(url,))

    async def fold(generations: Sequence[Generation], part: Part) -> list[Changes]:
        return await asyncio.wrap_future(executor.submit(_fold, list(generations), part))

    try:
        yield fold
    finally:
        executor.shutdown(cancel_futures=True)


def _begin(url: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Whoever asked for the rebuild is told, and ends us.
    threading.Thread(target=_end_with_parent, daemon=True).start()
    collect_rarely()
    _Kept.url, _Kept.runner = url, asyncio.Runner()


def _end_with_parent() -> None:
    """End when the process that works with us is killed: what it was building is cleared away."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _fold(generations: Sequence[Generation], part: Part) -> list[Changes]:
    return _Kept.runner.run(_folded(generations, part))


async def _folded(generations: Sequence[Generation], part: Part) -> list[Changes]:
    projections = [PROJECTIONS[one.name] for one in generations]
    if _Kept.opened is None:
        pool = connections.pool(_Kept.url, name=_NAME, size=1, configure=speak_hex_ids)
        await pool.open()
        _Kept.opened = Store(pool), await connections.connect(_Kept.url, name=_NAME)
    store, connection = _Kept.opened
    return await fold_part(projections, generations, part, connection=connection, store=store)
