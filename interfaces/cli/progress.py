"""Progress of long commands on stderr: a bar on a terminal, else a line whenever another tenth is done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress

WIDTH = 150
"""Columns of a report that does not go to a terminal."""


@contextmanager
def progress(doing: str) -> Iterator[Callable[[int, int], None]]:
    """Give what is told how much is done, and of how much."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Tenths(console, doing)
        return
    with Progress(console=console, transient=True, auto_refresh=False) as bar:  # without a thread: see crew.helper
        task = bar.add_task(doing)
        yield lambda done, total: bar.update(task, completed=done, total=total, refresh=True)


class _Tenths:
    """Prints a line for every tenth of the work."""

    def __init__(self, console: Console, doing: str) -> None:
        self._console = console
        self._doing = doing
        self._shown = 0

    def __call__(self, done: int, total: int) -> None:
        tenths = 10 * done // total if total else 0
        if tenths > self._shown:
            self._shown = tenths
            self._console.print(f"{self._doing}: {10 * tenths} %", highlight=False)
