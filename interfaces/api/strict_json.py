"""Bodies are read strictly: UTF-8, no key twice, bounded depth. What is no JSON is a 400 and never a 500.

No body is read before whoever sends it was admitted, or counted where the route is public and costs something.
"""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from interfaces.api.admission import admit, count_stranger
from interfaces.api.problems import unreadable_json
from interfaces.api.roles import ROLES
from interfaces.api.signed import check_body


class StrictRequest(Request):
    """A request whose body is read once, strictly."""

    async def json(self) -> Any:  # noqa: ANN401 - whatever the body holds
        """Return what the body says. Raises a `Problem` with status 400."""
        if not hasattr(self, "_json"):
            try:
                self._json = json.loads((await self.body()).decode(), object_pairs_hook=_no_key_twice)
            except (ValueError, RecursionError):
                raise unreadable_json() from None
        return self._json


class StrictRoute(APIRoute):
    """A route that reads its body strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap what handles the request."""
        handler = super().get_route_handler()
        is_counted = any(one.dependency is count_stranger for one in self.dependencies)

        async def strictly(request: Request) -> Response:
            if is_counted:
                count_stranger(request)
            if ROLES[self.operation_id or ""] is not None:
                await admit(request)
            strict = StrictRequest(request.scope, request.receive)
            await check_body(strict)
            return await handler(strict)

        return strictly


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise ValueError("a key comes twice")
    return read
