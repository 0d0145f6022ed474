"""Password hashes: argon2id in a pool of a few threads, 64 MiB each, with a bounded queue in front of it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TypeVar

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

from interfaces.api.problems import RETRY_AFTER_S, Problem

T = TypeVar("T")

HASHER = PasswordHash((Argon2Hasher(),))


class Passwords:
    """Hashes and checks passwords. Who comes when too many wait is turned away with 429."""

    def __init__(self, *, threads: int, queue_max: int) -> None:
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="passwords")
        self._places = threads + queue_max
        self._nobodys = HASHER.hash("nobody's password")

    async def check(self, password: str, stored: str | None) -> bool:
        """Say whether a password is right. An unknown user takes as long as a known one."""
        return await self._in_turn(_verify, password, stored or self._nobodys) and stored is not None

    async def hash(self, password: str) -> str:
        """Return the hash to store."""
        return await self._in_turn(HASHER.hash, password)

    async def _in_turn(self, work: Callable[..., T], *arguments: str) -> T:
        """Do what takes a tenth of a second and 64 MiB, when it is its turn."""
        if self._places == 0:
            raise Problem(
                HTTPStatus.TOO_MANY_REQUESTS,
                "too_many_logins",
                "Too many logins at once: try again soon.",
                headers={"Retry-After": RETRY_AFTER_S},
            )
        self._places -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)
        finally:
            self._places += 1

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _verify(password: str, stored: str) -> bool:
    try:
        return HASHER.verify(password, stored)
    except UnknownHashError:
        return False
