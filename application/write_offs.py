"""Use cases of what is owed and will not come: written off, recovered after all, and provided for by an allowance."""

from collections.abc import Callable

from application import entries as posting
from application import streams
from application.actors import actor_streams, require_actor
from application.commands import Body, Command, Envelope
from application.committer import Committer
from application.funding import booking, post_all
from application.ids import ENTRIES, derive
from application.work import Work
from domain.funding import allowance, write_off
from domain.funding.allowance import AllowanceSet, Estimate, RestoreAllowance, SetAllowance, UseAllowance
from domain.funding.entries import Booking
from domain.funding.write_off import (
    GivingUp,
    MakeWriteOff,
    RecoverWriteOff,
    UnknownWriteOff,
    WriteOff,
    WriteOffRecovered,
)
from domain.ids import EntryId
from domain.ledger.accounts import receivable
from domain.users import UnknownUser, User


def reads_of_giving_up(envelope: Envelope, wanted: GivingUp) -> tuple[str, ...]:
    """Return the streams that decide on a write-off: its own, the user's, the user's book, and the allowance."""
    tenant = envelope.tenant
    return (
        streams.write_off(tenant, wanted.write_off),
        streams.user(tenant, wanted.user),
        streams.book(tenant, wanted.user),
        streams.allowance(tenant, wanted.amount.asset.code),
    )


def perform_giving_up(work: Work, envelope: Envelope, wanted: GivingUp) -> Body:
    """Write off inside an append whose command reads `reads_of_giving_up`. Raises `UnknownUser`, `MoreThanOwed`."""
    stream, owner, book, provided = reads_of_giving_up(envelope, wanted)
    if not isinstance(work.state(owner), User):
        raise UnknownUser(user=wanted.user)
    making = MakeWriteOff(
        wanted=wanted,
        owed=work.state(book).balance(receivable(wanted.user), wanted.amount.asset),
        allowance=allowance.left(work.state(provided), wanted.amount),
        by=envelope.actor,
        occurred_at=envelope.now,
    )
    work.run(stream, making)
    made: WriteOff = work.state(stream)
    work.run(provided, UseAllowance(write_off=made.write_off, amount=made.from_allowance))
    post_all(work, envelope, write_off.written_off(_step(envelope, made), made))
    return _body(made)


def give_up(envelope: Envelope, wanted: GivingUp) -> Command:
    """Return the command that writes off what somebody owes."""
    reads = reads_of_giving_up(envelope, wanted)
    return _command("write_off", envelope, reads, act=lambda work: perform_giving_up(work, envelope, wanted))


async def find_write_off(committer: Committer, tenant: str, id: str) -> WriteOff:
    """Find a write-off as it stands. Raises `UnknownWriteOff`."""
    known: WriteOff | None = (await committer.state(streams.write_off(tenant, id))).state
    if known is None:
        raise UnknownWriteOff
    return known


def recover_write_off(envelope: Envelope, known: WriteOff) -> Command:
    """Return the command that makes it owed again and collects what is there. Raises `NothingToCollect`."""
    tenant = envelope.tenant
    stream, book = streams.write_off(tenant, known.write_off), streams.book(tenant, known.user)
    provided = streams.allowance(tenant, known.amount.asset.code)
    (original,) = write_off.written_off(_step(envelope, known), known)

    def decide(work: Work) -> Body:
        before: WriteOff = work.state(stream)
        there = write_off.there(work.state(book), before.user, before.amount)
        for event in work.run(stream, RecoverWriteOff(there=there, by=envelope.actor, occurred_at=envelope.now)):
            assert isinstance(event, WriteOffRecovered), "a recovery recovers"
            posting.reverse(work, envelope, original)
            work.run(provided, RestoreAllowance(write_off=before.write_off, amount=before.from_allowance))
            step = booking(envelope, before.write_off, occurred_at=envelope.now)
            made = write_off.collected(step, work.state(book), user=before.user, amount=event.collected)
            post_all(work, envelope, made)
        return _body(work.state(stream))

    reads = (stream, book, provided, posting.reversal_claim(envelope, original))
    return _command("recover_write_off", envelope, reads, act=decide)


def reads_of_estimate(envelope: Envelope, estimate: Estimate) -> tuple[str, ...]:
    """Return the stream that decides on an estimate."""
    return (streams.allowance(envelope.tenant, estimate.level.asset.code),)


def perform_estimate(work: Work, envelope: Envelope, estimate: Estimate) -> Body:
    """Set the allowance inside an append whose command reads `reads_of_estimate`."""
    (stream,) = reads_of_estimate(envelope, estimate)
    for event in work.run(stream, SetAllowance(estimate=estimate, by=envelope.actor)):
        assert isinstance(event, AllowanceSet), "an estimate sets"
        step = Booking(
            reference=event.entry,
            occurred_at=event.occurred_at,
            effective_at=envelope.now,
            id_of=lambda _: estimate.entry,
        )
        post_all(work, envelope, allowance.entry(step, event))
    return {"id": estimate.entry, "level": estimate.level.as_data()}


def set_allowance(envelope: Envelope, estimate: Estimate) -> Command:
    """Return the command that sets the allowance for credit losses of an asset."""
    reads = reads_of_estimate(envelope, estimate)
    return _command("set_allowance", envelope, reads, act=lambda work: perform_estimate(work, envelope, estimate))


def _command(name: str, envelope: Envelope, reads: tuple[str, ...], *, act: Callable[[Work], Body]) -> Command:
    def decide(work: Work) -> Body:
        require_actor(work, envelope)
        return act(work)

    return Command(
        name=name, envelope=envelope, reads=tuple(dict.fromkeys((*actor_streams(envelope), *reads))), decide=decide
    )


def _step(envelope: Envelope, known: WriteOff) -> Booking:
    """Return what the entry of a write-off has: the same when it is made again to be reversed."""
    return Booking(
        reference=known.write_off,
        occurred_at=known.made_at,
        effective_at=known.made_at,
        id_of=lambda kind: EntryId(derive(ENTRIES, envelope.tenant, known.write_off, kind)),
    )


def _body(known: WriteOff) -> Body:
    return {
        "id": known.write_off,
        "status": "recovered" if known.recovered else "written_off",
        "amount": known.amount.as_data(),
        "from_allowance": known.from_allowance.as_data(),
    }
