"""Use case: put approved withdrawals into a file for the bank. Each is in one file, whoever makes two at once."""

from collections.abc import Sequence
from functools import reduce
from operator import add

from application import streams
from application.actors import actor_streams, require_actor
from application.commands import Body, Command, Envelope
from application.committer import Committer
from application.withdrawals import find_withdrawal
from application.work import Work
from domain.destinations import Kind
from domain.ids import PayoutFileId
from domain.withdrawals.commands import SendWithdrawal
from domain.withdrawals.errors import NothingToPay
from domain.withdrawals.payout_file import PayoutFile, PayoutFileMade, UnknownPayoutFile
from domain.withdrawals.terms import Status
from domain.withdrawals.withdrawal import Withdrawal

MOST_PAYMENTS = 500
"""Payments in one file; what is left waits for the next."""


def make_payout_file(envelope: Envelope, file: PayoutFileId, *, asset: str, waiting: Sequence[str]) -> Command:
    """Return the command that makes a file of those among `waiting`, withdrawals by id, that still are to be sent.

    What its maker has asked for is left to somebody else, and so are coins, which no bank pays.
    """
    stream_of_file = streams.payout_file(envelope.tenant, file)
    candidates = [streams.withdrawal(envelope.tenant, one) for one in waiting[:MOST_PAYMENTS]]
    send = SendWithdrawal(by=envelope.actor, file=file, occurred_at=envelope.now)

    def decide(work: Work) -> Body:
        require_actor(work, envelope)
        sent = [stream for stream in candidates if _is_payable(work.state(stream), asset, by=envelope.actor)]
        for stream in sent:
            work.run(stream, send)
        if not sent:
            raise NothingToPay(asset=asset)
        withdrawals = [work.state(stream) for stream in sent]
        total = reduce(add, (one.net for one in withdrawals))
        made = PayoutFileMade(
            file=file,
            withdrawals=tuple(one.withdrawal for one in withdrawals),
            total=total,
            by=envelope.actor,
            occurred_at=envelope.now,
        )
        work.run(stream_of_file, made)
        return {"id": file, "payments": len(sent), "total": total.as_data()}

    reads = (*actor_streams(envelope), stream_of_file, *candidates)
    return Command(
        name="make_payout_file", envelope=envelope, reads=reads, decide=decide, weight=max(1, len(candidates))
    )


async def find_payout_file(committer: Committer, tenant: str, file: str) -> tuple[PayoutFile, tuple[Withdrawal, ...]]:
    """Find a file and the withdrawals in it, as they stand. Raises `UnknownPayoutFile`."""
    known: PayoutFile | None = (await committer.state(streams.payout_file(tenant, file))).state
    if known is None:
        raise UnknownPayoutFile
    return known, tuple([await find_withdrawal(committer, tenant, one) for one in known.withdrawals])


def _is_payable(state: Withdrawal | None, asset: str, *, by: str) -> bool:
    return (
        state is not None
        and state.status is Status.APPROVED
        and state.sent_in is None
        and state.rail is not Kind.CRYPTO
        and state.amount.asset.code == asset
        and state.user != by
    )
