"""The worker role `execution`: an order on record is claimed, sent to its venue, and what the venue said is booked.

Intent first: the claim is appended before anything is sent. After a crash an order is sent again only where the venue
does the same once however often it is asked; otherwise its outcome is unknown until a query settles it.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from application import streams
from application.commands import Command, Envelope
from application.committer import Committer
from application.execution import record_answer, record_report, submit_order
from application.ids import derive, namespace
from application.log import Recorded
from application.policies.runner import Submit
from application.ports import Clock, Exchange, OutcomeUnknown
from domain.connections import Connection
from domain.orders.commands import RecordOutcomeUnknown, SubmitOrder
from domain.orders.events import OrderInitialized
from domain.orders.order import Order
from domain.orders.transitions import Status

NAME = "execution"
SEND_WITHIN = timedelta(seconds=30)
_EXECUTION = namespace("execution")


class Execution:
    """Sends orders through the exchanges it is given, by the name of their venue."""

    name = NAME
    handles = frozenset({"order.initialized.v1"})
    first_log_position = 1

    def __init__(self, *, committer: Committer, exchanges: Mapping[str, Exchange], clock: Clock) -> None:
        self._committer = committer
        self._exchanges = exchanges
        self._clock = clock

    async def react(self, recorded: Recorded, event: Any, submit: Submit) -> None:
        """Take one order from record to its venue's answer."""
        assert isinstance(event, OrderInitialized)
        connection = (await self._committer.state(streams.connection(recorded.tenant, event.connection))).state
        assert isinstance(connection, Connection), "an order is placed on an open connection"
        exchange = self._exchanges[connection.venue]
        now = self._clock.now()
        claim = SubmitOrder(epoch=1, deadline=now + SEND_WITHIN, occurred_at=now)
        claimed = await submit(submit_order(self._envelope(recorded, "submit"), event.order, claim))
        order = (await self._committer.state(streams.order(recorded.tenant, event.order))).state
        assert isinstance(order, Order)
        if claimed.refused or order.status is not Status.SUBMITTED:
            return
        if claimed.replayed and not exchange.repeatable:
            await submit(self._unknown(recorded, order))
            return
        try:
            answer = await exchange.submit(order)
        except OutcomeUnknown:
            await submit(self._unknown(recorded, order))
            return
        envelope = self._envelope(recorded, "answer")
        await submit(record_answer(envelope, order, market=connection.market, answer=answer))

    def _unknown(self, recorded: Recorded, order: Order) -> Command:
        unknown = RecordOutcomeUnknown(occurred_at=self._clock.now())
        return record_report(self._envelope(recorded, "unknown"), order.order, unknown)

    def _envelope(self, recorded: Recorded, step: str) -> Envelope:
        command_id = derive(_EXECUTION, recorded.event_id, step)
        return Envelope(
            tenant=recorded.tenant,
            actor=f"policy:{NAME}",
            command_id=command_id,
            key=command_id,
            input_hash=command_id * 2,
            correlation_id=recorded.correlation_id,
            causation_id=recorded.event_id,
            now=self._clock.now(),
        )
