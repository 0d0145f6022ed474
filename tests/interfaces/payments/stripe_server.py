"""A loopback server that speaks Stripe's wire format: form bodies, JSON objects, idempotency keys, search, expand.

It keeps what it was asked, and can be told to fail in the ways that matter: answer nothing after doing it, answer with
an error of its own, refuse a card. `listed` counts the pages of refunds that it gave.
"""

import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

SECRET = "whsec_of_tests"
API_KEY = "sk_test_of_tests"


@web.middleware
async def _authenticated(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.headers.get("Authorization") != f"Bearer {API_KEY}":
        return _error(401, "invalid_request_error", "api_key_invalid")
    return await handler(request)


@dataclass
class StripeServer:
    """Objects by id, and how the next request goes wrong: `silent` (done, not answered), `broken` (500), `refused`."""

    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    by_key: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    fault: str | None = None
    url: str = ""
    listed: int = 0
    _number: int = 0

    def application(self) -> web.Application:
        app = web.Application(middlewares=[_authenticated])
        app.router.add_post("/v1/{kind}", self._create)
        app.router.add_get("/v1/payment_intents/search", self._search)
        app.router.add_get("/v1/refunds", self._list)
        app.router.add_get("/v1/{kind}/{id}", self._retrieve)
        return app

    async def _create(self, request: web.Request) -> web.StreamResponse:
        form = dict((await request.post()).items())
        self.asked.append(f"POST {request.path}")
        fault, self.fault = self.fault, None
        if fault == "broken":
            return _error(500, "api_error", None)
        if fault == "refused":
            return _error(402, "card_error", "card_declined")
        key = request.headers["Idempotency-Key"]
        if key not in self.by_key:
            self.by_key[key] = self._make(request.match_info["kind"], {name: str(said) for name, said in form.items()})
        if fault == "silent":
            assert request.transport is not None
            request.transport.close()
        return web.json_response(self.objects[self.by_key[key]])

    def _make(self, kind: str, form: dict[str, str]) -> str:
        metadata = {name[9:-1]: said for name, said in form.items() if name.startswith("metadata[")}
        common = {"amount": int(form["amount"]), "created": int(time.time()), "metadata": metadata}
        if kind == "payment_intents":
            return self.add("payment_intent", currency=form["currency"], status="requires_payment_method", **common)
        intent = self.objects[form["payment_intent"]]
        return self.add("refund", currency=intent["currency"], status="pending", payment_intent=intent["id"], **common)

    def add(self, name: str, **fields: Any) -> str:  # noqa: ANN401 - whatever the object has
        """Add an object; return its id."""
        self._number += 1
        id = f"{name[:2]}_{self._number}"
        self.objects[id] = {"id": id, "object": name, "client_secret": f"{id}_secret", **fields}
        return id

    def charge(self, intent: str, *, fee: int, settled: int | None = None, currency: str | None = None) -> None:
        """Let a payment succeed, with the fee that Stripe keeps."""
        payment = self.objects[intent]
        line = {"amount": settled or payment["amount"], "currency": currency or payment["currency"], "fee": fee}
        self.add("balance_transaction", **line)
        booked = self.objects[f"ba_{self._number}"]
        payment["latest_charge"] = {"id": f"ch_{intent}", "object": "charge", "created": 1_790_000_000,
                                    "balance_transaction": booked}  # fmt: skip
        payment["status"] = "succeeded"

    async def _retrieve(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(f"GET {request.path}")
        if self._breaks():
            return _error(503, "api_error", None)
        found = self.objects.get(request.match_info["id"])
        if found is None:
            return _error(404, "invalid_request_error", "resource_missing")
        return web.json_response(self._expanded(found, request.query.getall("expand[0]", [])))

    def _expanded(self, found: dict[str, Any], wanted: list[str]) -> dict[str, Any]:
        """Show related objects whole only where that was asked for, as Stripe does."""
        shown = dict(found)
        charge = shown.get("latest_charge")
        if charge is not None and "latest_charge.balance_transaction" not in wanted:
            shown["latest_charge"] = charge["id"]
        if "balance_transaction" in shown and "balance_transaction" not in wanted:
            shown["balance_transaction"] = shown["balance_transaction"]["id"]
        if "payment_intent" in wanted:
            shown["payment_intent"] = self.objects[shown["payment_intent"]]
        return shown

    async def _search(self, request: web.Request) -> web.StreamResponse:
        if self._breaks():
            return _error(503, "api_error", None)
        found = [
            one
            for one in self.objects.values()
            if one["object"] == "payment_intent"
            and all(f"metadata['{name}']:'{said}'" in request.query["query"] for name, said in one["metadata"].items())
        ]
        return web.json_response(
            {"object": "search_result", "data": found, "has_more": False, "url": "/v1/payment_intents/search"}
        )

    async def _list(self, request: web.Request) -> web.StreamResponse:
        """Show a payment's refunds, newest first, one on a page, however many are asked for."""
        if self._breaks():
            return _error(503, "api_error", None)
        of = request.query.get("payment_intent")
        refunds = (one for one in reversed(self.objects.values()) if one["object"] == "refund")
        ids = [one["id"] for one in refunds if of in {None, one["payment_intent"]}]
        self.listed += 1
        after = request.query.get("starting_after")
        rest = ids[ids.index(after) + 1 :] if after else ids
        page = [self._expanded(self.objects[id], []) for id in rest[:1]]
        return web.json_response({"object": "list", "data": page, "has_more": len(rest) > 1, "url": "/v1/refunds"})

    def _breaks(self) -> bool:
        if self.fault != "broken":
            return False
        self.fault = None
        return True

    def event(self, kind: str, id: str, *, at: int | None = None, secret: str = SECRET) -> tuple[bytes, dict[str, str]]:
        """Return an event about an object as Stripe delivers it: the body and its signature."""
        self._number += 1
        body = json.dumps({"id": f"evt_{self._number}", "object": "event", "type": kind,
                           "data": {"object": self.objects[id]}}).encode()  # fmt: skip
        when = int(time.time()) if at is None else at
        signed = hmac.new(secret.encode(), f"{when}.".encode() + body, hashlib.sha256).hexdigest()
        return body, {"stripe-signature": f"t={when},v1={signed}"}


@asynccontextmanager
async def stripe_server() -> AsyncIterator[StripeServer]:
    """Run the server on a free port of loopback."""
    server = StripeServer()
    runner = web.AppRunner(server.application())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


def _error(status: int, kind: str, code: str | None) -> web.Response:
    return web.json_response({"error": {"type": kind, "code": code, "message": "as the test wants it"}}, status=status)
