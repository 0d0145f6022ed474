"""How long work shows how far it is: a bar with rate and ETA on a terminal, else a line for every tenth, on stderr."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

WIDTH = 150
"""Columns of a report that does not go to a terminal."""

Told = Callable[[int, int], None]


@contextmanager
def progress(doing: str, unit: str = "") -> Iterator[Told]:
    """Give a function that is told what is done and what there is to do. With a unit it shows the rate too."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Tenths(console, doing, unit)
        return
    rate = [TextColumn("{task.fields[rate]:,} " + f"{unit}/s"), TimeRemainingColumn()] if unit else []
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), *rate)
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as bar:  # no thread: see crew.helper
        task, started = bar.add_task(doing, rate=0), time.monotonic()

        def told(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, rate=_rate(done, started), refresh=True)

        yield told


class _Tenths:
    """Prints a line for every tenth of the work."""

    def __init__(self, console: Console, doing: str, unit: str) -> None:
        self._console = console
        self._doing = doing
        self._unit = unit
        self._shown = 0
        self._started = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        tenths = 10 * done // max(1, total)
        if tenths <= self._shown:
            return
        self._shown = tenths
        rate = _rate(done, self._started)
        left = (total - done) // max(1, rate)
        said = f" ({rate:,} {self._unit}/s, {left} s left)" if self._unit else ""
        self._console.print(f"{self._doing}: {10 * tenths} %{said}", highlight=False, soft_wrap=True)


def _rate(done: int, started: float) -> int:
    return round(done / max(0.001, time.monotonic() - started))
