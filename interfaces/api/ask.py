"""One request as the routes see it: who asks, what may be done, and how commands and queries are answered.

Every route behind a token depends on it; it is the only place that looks at the key and the log position.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Header, Query, Request, Response, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic_core import to_json

from application import calls
from application.commands import Command, Done, Envelope
from application.ids import command_id as command_id_of
from application.ids import derive, namespace
from application.store import Connection
from domain.users import Role
from interfaces.api.admission import admit, count_stranger
from interfaces.api.deprecated import operation_of
from interfaces.api.fields import Body
from interfaces.api.parts import Parts
from interfaces.api.problems import Problem
from interfaces.api.tokens import Caller
from interfaces.postgres.connections import reading, reading_once

JSON = "application/json"
MOST_KEY = 128

Bearer = Annotated[HTTPAuthorizationCredentials | None, Security(HTTPBearer(auto_error=False, scheme_name="token"))]
Key = Annotated[str | None, Header(alias="Idempotency-Key", description="required where money or orders move")]
MinLogPosition = Annotated[
    int | None, Query(ge=0, le=2**63 - 1, description="wait until the read model has come that far, at most 5 s")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request of somebody who may make it."""

    parts: Parts
    caller: Caller
    request: Request
    key: str | None = None
    min_log_position: int | None = None

    @property
    def operation(self) -> str:
        """The operation id of the route; of an alias that of its operation, so that both make the same request."""
        return operation_of(str(self.request.scope["route"].operation_id))

    def owner(self, sees_all: frozenset[Role]) -> str | None:
        """Return whose things this caller sees: None for those of the whole tenant."""
        return None if self.caller.roles & sees_all else self.caller.user

    def new_id(self, thing: str) -> str:
        """Return the id of what this request makes: derived from the key, so that a retry makes the same."""
        return derive(namespace(f"{self.operation}:{thing}"), self.caller.tenant, self.caller.user, self._key())

    def envelope(self, body: Body | None = None) -> Envelope:
        """Return the envelope of the command this request stands for. Raises a `Problem` where the key is missing."""
        key = self._key()
        command_id = command_id_of(self.caller.tenant, self.caller.user, key)
        return Envelope(
            tenant=self.caller.tenant,
            actor=self.caller.user,
            command_id=command_id,
            key=key,
            input_hash=self._input_hash(body),
            correlation_id=self.request.state.request_id,
            now=self.parts.clock.now(),
        )

    def keyless(self) -> "Ask":
        """Return the same request with a key of its own, for acts that are harmless to repeat and for dry runs."""
        return self if self.key else self.fresh()

    def fresh(self) -> "Ask":
        """Return the same request with a key that was never used, for acts that are new acts when they are repeated."""
        return Ask(
            parts=self.parts,
            caller=self.caller,
            request=self.request,
            key=self.request.state.request_id,
            min_log_position=self.min_log_position,
        )

    async def submit(
        self,
        command: Command,
        *,
        status: HTTPStatus = HTTPStatus.CREATED,
        show: Callable[[Done], Mapping[str, Any]] | None = None,
    ) -> Response:
        """Submit a command and answer with its body, or with the problem of its refusal."""
        done = await self.parts.committer.submit(command)
        body = done.accepted()
        return self.answered(done, show(done) if show else body, status)

    def answered(self, done: Done, body: Mapping[str, Any], status: HTTPStatus = HTTPStatus.CREATED) -> Response:
        """Return the answer of an accepted command."""
        headers = {"X-Log-Position": str(self.position_of(done))}
        if done.replayed:
            headers["Idempotent-Replayed"] = "true"
        return Response(to_json(body), status_code=status, media_type=JSON, headers=headers)

    def position_of(self, done: Done) -> int:
        """Return the log position an answer names: the end of its append, or the head where nothing was appended."""
        return done.receipt.last_log_position or self.parts.committer.head

    @asynccontextmanager
    async def reading(self, *models: str) -> AsyncIterator[Connection]:
        """Give a connection that sees the caller's tenant, once the models have come as far as was asked for."""
        await self._reached(*models)
        async with reading(self.parts.queries, self.caller.tenant) as connection:
            yield connection

    async def reading_once(self, model: str) -> calls.Ask:
        """Give a way to make one call as `reading` would, for what is asked all the time: it saves two round trips."""
        await self._reached(model)
        return reading_once(self.parts.queries, self.caller.tenant)

    async def _reached(self, *models: str) -> None:
        if self.min_log_position is not None:
            await self.parts.watch.wait_for(self.min_log_position, *models)

    def _key(self) -> str:
        if self.key is None:
            raise Problem(
                HTTPStatus.BAD_REQUEST, "idempotency_key_required", "This request needs the header Idempotency-Key."
            )
        if not 1 <= len(self.key) <= MOST_KEY or not all(" " <= sign <= "~" for sign in self.key):
            raise Problem(
                HTTPStatus.BAD_REQUEST,
                "idempotency_key_malformed",
                f"An Idempotency-Key has 1 to {MOST_KEY} printable ASCII characters.",
            )
        return self.key

    def _input_hash(self, body: Body | None) -> str:
        """Hash method, route, path parameters and the parsed body (CONTRACT, Idempotency)."""
        said = None if body is None else body.canonical()
        path = self.request.path_params
        return sha256(to_json([self.request.method, self.operation, path, said])).hexdigest()


async def ask(
    request: Request, *, _bearer: Bearer = None, key: Key = None, min_log_position: MinLogPosition = None
) -> Ask:
    """Admit a request whose token's roles may call its route."""
    parts: Parts = request.app.state.parts
    return Ask(parts=parts, caller=await admit(request), request=request, key=key, min_log_position=min_log_position)


Asked = Annotated[Ask, Depends(ask)]


COUNTED = [Depends(count_stranger)]
"""The dependencies of public routes that cost something."""


def answer(body: object, log_position: int, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Return the answer of a query with the cursor of the model that gave it."""
    return Response(to_json(body), status_code=status, media_type=JSON, headers={"X-Log-Position": str(log_position)})
