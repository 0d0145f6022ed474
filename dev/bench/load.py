"""Load over TCP from a process of its own: keep-alive HTTP/1.1 on raw asyncio streams, closed loop or open loop.

A closed loop sends the next request when the last is answered; an open loop sends at a fixed rate whatever happens, and
measures latency from when a request should have been sent, so that a stall counts for all who wait in it.
"""

import asyncio
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field

Request = Callable[[], bytes]


@dataclass(slots=True)
class Answered:
    """What came back: when (monotonic seconds), how long it took, status, and the log position the answer named."""

    statuses: dict[int, int] = field(default_factory=dict)
    latencies_s: list[float] = field(default_factory=list)
    positions: list[tuple[float, int]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.latencies_s) / self.seconds

    @property
    def errors(self) -> int:
        """Answers that are not of the 200 family."""
        return sum(count for status, count in self.statuses.items() if status // 100 != 2)  # noqa: PLR2004 - the class of a status

    def take(self, *, due: float, status: int, position: int) -> None:
        """Note an answer."""
        now = time.perf_counter()
        self.latencies_s.append(now - due)
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if position:
            self.positions.append((now, position))


def request(method: str, path: str, *, token: str, body: bytes = b"", key: str = "") -> bytes:
    """Return the bytes of one request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {token}"]
    if key:
        lines.append(f"Idempotency-Key: {key}")
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def closed_loop(
    port: int, make: Request, *, connections: int, seconds: float, most: int | None = None
) -> Answered:
    """Keep so many connections busy for so long, or until so many requests were sent."""
    answered = Answered()
    started = time.perf_counter()
    end = started + seconds
    numbers = itertools.count()

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (due := time.perf_counter()) < end and (most is None or next(numbers) < most):
            writer.write(make())
            status, position = await _answer(reader)
            answered.take(due=due, status=status, position=position)
        writer.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    answered.seconds = time.perf_counter() - started
    return answered


async def open_loop(port: int, make: Request, *, per_second: int, connections: int, seconds: float) -> Answered:
    """Send at a fixed rate over a number of connections."""
    answered = Answered()
    due_times: asyncio.Queue[float | None] = asyncio.Queue()
    started = time.perf_counter()

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (due := await due_times.get()) is not None:
            writer.write(make())
            status, position = await _answer(reader)
            answered.take(due=due, status=status, position=position)
        writer.close()

    clients = [asyncio.create_task(client()) for _ in range(connections)]
    for number in range(int(per_second * seconds)):
        due = started + number / per_second
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        due_times.put_nowait(due)
    for _ in clients:
        due_times.put_nowait(None)
    await asyncio.gather(*clients)
    answered.seconds = time.perf_counter() - started
    return answered


async def _answer(reader: asyncio.StreamReader) -> tuple[int, int]:
    """Read one answer; return its status and the value of X-Log-Position, 0 where it has none."""
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    length, position = 0, 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        match name.lower():
            case b"content-length":
                length = int(value)
            case b"x-log-position":
                position = int(value)
            case _:
                pass
    await reader.readexactly(length)
    return status, position
