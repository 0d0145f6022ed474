"""What a user wants to withdraw and nobody has approved, found in the user's book: each began with a hold there."""

from collections.abc import Sequence

from application import streams
from application.codec import decode
from application.committer import Committer
from application.store import Store
from domain.ids import UserId
from domain.ledger.entry import EntryPosted
from domain.ledger.flows import WITHDRAWAL_REQUESTED
from domain.withdrawals.terms import Status
from domain.withdrawals.withdrawal import Withdrawal


class OpenWithdrawalsOf:
    """Reads a user's whole book, which only a dispute asks for."""

    def __init__(self, committer: Committer, store: Store) -> None:
        self._committer = committer
        self._store = store

    async def __call__(self, tenant: str, user: UserId) -> Sequence[Withdrawal]:
        """Return what is open, oldest first."""
        found = []
        for recorded in await self._store.read_stream(streams.book(tenant, user)):
            event = decode(recorded.name, recorded.state)
            if isinstance(event, EntryPosted) and event.entry.kind == WITHDRAWAL_REQUESTED:
                known = (await self._committer.state(streams.withdrawal(tenant, event.entry.reference))).state
                if isinstance(known, Withdrawal) and known.status is Status.REQUESTED:
                    found.append(known)
        return found
