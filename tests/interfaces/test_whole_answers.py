"""The head of an answer and its body leave together; whatever is longer leaves as it did, and nothing is lost."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from application.tasks import end
from interfaces.bootstrap import listen
from interfaces.whole_answers import Gathering, WholeAnswers

pytestmark = pytest.mark.anyio

SMALL, LONG = "x" * 100, "y" * 3_000_000
TIMES = 100


async def small(_: Request) -> Response:
    return PlainTextResponse(SMALL)


async def long(_: Request) -> Response:
    return PlainTextResponse(LONG)


async def parts(_: Request) -> Response:
    async def numbered() -> AsyncIterator[str]:
        for number in range(1_000):
            yield f"{number:0200}"
            if number % 7 == 0:
                await asyncio.sleep(0)

    return StreamingResponse(numbered())


@pytest.fixture
async def port() -> AsyncIterator[int]:
    app = Starlette(routes=[Route(f"/{route.__name__}", route) for route in (small, long, parts)])
    server = uvicorn.Server(uvicorn.Config(app, http=WholeAnswers, log_config=None, lifespan="off"))
    with listen("127.0.0.1", 0) as listening:
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        yield listening.getsockname()[1]
        server.should_exit = True
        await end(serving)


def request(path: str, *, connection: str = "keep-alive") -> bytes:
    return f"GET /{path} HTTP/1.1\r\nHost: test\r\nConnection: {connection}\r\n\r\n".encode()


async def test_a_small_answer_comes_in_one_piece(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(TIMES):
        writer.write(request("small"))
        answer = await reader.read(64 * 1024)  # what has come when something has come
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert answer.endswith(b"\r\n\r\n" + SMALL.encode())
    writer.close()


async def test_answers_to_requests_that_came_together_keep_their_order(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request("small") + request("long") + request("small", connection="close"))
    bodies = (await reader.read()).split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert [body.partition(b"\r\n\r\n")[2].decode() for body in bodies] == [SMALL, LONG, SMALL]
    writer.close()


async def test_what_is_written_before_the_end_of_a_connection_arrives(port: int) -> None:
    for path, expected in (("small", SMALL), ("long", LONG)):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request(path, connection="close"))
        assert (await reader.read()).partition(b"\r\n\r\n")[2].decode() == expected
        writer.close()


async def test_a_stream_arrives_part_by_part_and_whole(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request("parts", connection="close"))
    chunks = (await reader.read()).partition(b"\r\n\r\n")[2].split(b"\r\n")[1::2]
    assert [int(chunk) for chunk in chunks if chunk] == list(range(1_000))
    writer.close()


def test_nothing_is_written_to_a_client_that_has_gone() -> None:
    """On the loop that an API process has: another one says nothing where this one raises."""
    failures: list[dict[str, object]] = []

    async def answer_who_has_gone(ours: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, failure: failures.append(failure))
        transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
        transport.abort()
        await asyncio.sleep(0.01)
        Gathering(transport).write(b"an answer")
        await asyncio.sleep(0.01)

    ours, theirs = socket.socketpair()
    with theirs:
        uvloop.run(answer_who_has_gone(ours))
        assert theirs.recv(100) == b""
    assert failures == []
