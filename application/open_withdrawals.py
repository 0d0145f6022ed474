"""What a user wants to withdraw and nobody has approved: the user's book names it as long as its hold is open."""

from collections.abc import Sequence

from application import streams
from application.committer import Committer
from domain.ids import UserId
from domain.ledger.book import Book
from domain.withdrawals.terms import Status
from domain.withdrawals.withdrawal import Withdrawal


class OpenWithdrawalsOf:
    """Looks into the book of a user, for a dispute that is about to take what is there."""

    def __init__(self, committer: Committer) -> None:
        self._committer = committer

    async def __call__(self, tenant: str, user: UserId) -> Sequence[Withdrawal]:
        """Return what is open, oldest first."""
        book: Book = (await self._committer.state(streams.book(tenant, user))).state
        named = [streams.withdrawal(tenant, withdrawal) for withdrawal in book.open_withdrawals.values()]
        known = [(await self._committer.state(stream)).state for stream in named]
        return [one for one in known if isinstance(one, Withdrawal) and one.status is Status.REQUESTED]
