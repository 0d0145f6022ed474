"""The table of streams: which decider rules a category, and what its state is.

Together with the table of events in codec.py this is the system's table of contents.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from application import streams
from domain import (
    api_keys,
    assets,
    claims,
    connections,
    days,
    destinations,
    holdings,
    inbox,
    proposals,
    refusals,
    tenants,
    timers,
    transfers,
    users,
)
from domain.exchange import position as fx
from domain.exchange import quote, rates
from domain.funding import allowance, deposit, dispute, payout, receipt, refund, write_off
from domain.ledger import book
from domain.orders import order
from domain.positions import position, state
from domain.withdrawals import payout_file, withdrawal


@dataclass(frozen=True, slots=True)
class Decider:
    """Rules of one category. `state` is the annotation that snapshots are made by."""

    initial: Any
    decide: Callable[[Any, Any], tuple[Any, ...]]
    evolve: Callable[[Any, Any], Any]
    state: Any


_CLAIM = Decider(claims.INITIAL, claims.decide, claims.evolve, claims.State)

DECIDERS: Mapping[str, Decider] = {
    "tenant": Decider(tenants.INITIAL, tenants.decide, tenants.evolve, tenants.State),
    "asset": Decider(assets.INITIAL, assets.decide, assets.evolve, assets.State),
    "user": Decider(users.INITIAL, users.decide, users.evolve, users.State),
    "email": _CLAIM,
    "reference": _CLAIM,
    "reversal": _CLAIM,
    "book": Decider(book.INITIAL, book.decide, book.evolve, book.Book),
    "book-portfolio": Decider(holdings.INITIAL, holdings.decide, holdings.evolve, holdings.Holdings),
    "connection": Decider(connections.INITIAL, connections.decide, connections.evolve, connections.State),
    "order": Decider(order.INITIAL, order.decide, order.evolve, order.State),
    "position": Decider(position.INITIAL, position.decide, position.evolve, state.Position),
    "destination": Decider(destinations.INITIAL, destinations.decide, destinations.evolve, destinations.State),
    "api_key": Decider(api_keys.INITIAL, api_keys.decide, api_keys.evolve, api_keys.State),
    "withdrawal": Decider(withdrawal.INITIAL, withdrawal.decide, withdrawal.evolve, withdrawal.State),
    "payout_file": Decider(payout_file.INITIAL, payout_file.decide, payout_file.evolve, payout_file.State),
    "proposal": Decider(proposals.INITIAL, proposals.decide, proposals.evolve, proposals.State),
    "deposit": Decider(deposit.INITIAL, deposit.decide, deposit.evolve, deposit.State),
    "refund": Decider(refund.INITIAL, refund.decide, refund.evolve, refund.State),
    "dispute": Decider(dispute.INITIAL, dispute.decide, dispute.evolve, dispute.State),
    "payout": Decider(payout.INITIAL, payout.decide, payout.evolve, payout.State),
    "receipt": Decider(receipt.INITIAL, receipt.decide, receipt.evolve, receipt.State),
    "write_off": Decider(write_off.INITIAL, write_off.decide, write_off.evolve, write_off.State),
    "allowance": Decider(allowance.INITIAL, allowance.decide, allowance.evolve, allowance.State),
    "outside_fact": _CLAIM,
    "timer": Decider(timers.INITIAL, timers.decide, timers.evolve, timers.State),
    "rate": Decider(rates.INITIAL, rates.decide, rates.evolve, rates.State),
    "quote": Decider(quote.INITIAL, quote.decide, quote.evolve, quote.State),
    "fx": Decider(fx.INITIAL, fx.decide, fx.evolve, fx.State),
    "transfer": Decider(transfers.INITIAL, transfers.decide, transfers.evolve, transfers.State),
    "inbox": Decider(inbox.INITIAL, inbox.decide, inbox.evolve, inbox.State),
    "refusal": Decider(refusals.INITIAL, refusals.decide, refusals.evolve, refusals.State),
    "time": Decider(days.INITIAL, days.decide, days.evolve, days.Days),
}


@lru_cache(maxsize=65_536)
def decider_of(stream: str) -> Decider:
    """Return the decider of a stream."""
    return DECIDERS[streams.decided_as(stream)]
