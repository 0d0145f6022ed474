"""Sends the sandbox's messages over HTTP, signed as Standard Webhooks has it, until the API has taken them."""

import asyncio
from datetime import UTC, datetime

import httpx
import structlog
from pydantic_core import to_json
from standardwebhooks.webhooks import Webhook

from interfaces.postgres.connections import Pool, reading, writing

log = structlog.get_logger()

LOOK_S = 0.2
RETRY_S = 1.0
_TENANT = "system"
_UNSENT = """
select m.number, o.kind, o.id from sandbox.messages as m inner join sandbox.objects as o on o.id = m.object
where m.sent_at is null order by m.number limit 20
"""
_SENT = "update sandbox.messages set sent_at = %s where number = %s and sent_at is null"


class SandboxSender:
    """Delivers at least once and in order; `url` is the webhook's address at the API."""

    def __init__(self, source: Pool, *, url: str, secret: bytes) -> None:
        self._source = source
        self._url = url
        self._webhook = Webhook(secret)

    async def run(self) -> None:
        """Send for ever what is there."""
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            while True:
                try:
                    sent = await self.send(client)
                except httpx.HTTPError as error:
                    log.warning("sandbox.not_delivered", error=repr(error))
                    await asyncio.sleep(RETRY_S)
                else:
                    await asyncio.sleep(0 if sent else LOOK_S)

    async def send(self, client: httpx.AsyncClient) -> int:
        """Send what waits, oldest first; return how many were taken. Raises httpx.HTTPError."""
        async with reading(self._source, _TENANT) as connection:
            waiting = await (await connection.execute(_UNSENT)).fetchall()
        for number, kind, object_id in waiting:
            body, headers = self._message(f"msg_{number}", kind, object_id)
            (await client.post(self._url, content=body, headers=headers)).raise_for_status()
            async with writing(self._source, _TENANT) as connection:
                await connection.execute(_SENT, [datetime.now(UTC), number])
        return len(waiting)

    def _message(self, id: str, kind: str, object_id: str) -> tuple[str, dict[str, str]]:
        body, now = to_json({"kind": kind, "object": object_id}).decode(), datetime.now(UTC)
        headers = {
            "content-type": "application/json",
            "webhook-id": id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._webhook.sign(id, now, body),
        }
        return body, headers
