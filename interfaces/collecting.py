"""When Python looks for garbage that refers to itself, of which Lastro makes next to none."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

COLLECT_AFTER = 50_000


def collect_rarely() -> None:
    """Let Python look for cycles seldom: cached states live long, and nearly all the rest dies by its own count."""
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 20)
    gc.enable()


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep Python from looking for cycles, of which folding makes none: it costs a fifth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
