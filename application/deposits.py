"""Use cases of deposits: on record first, then the provider is asked under that id, then what it says is booked.

Whose deposit it is never changes, so it is looked up before the command; everything else is decided inside.
"""

from collections.abc import Mapping

from application import streams
from application.actors import actor_streams, require_actor
from application.commands import Body, Command, Done, Envelope
from application.committer import Committer
from application.funding import booking, claim, claims_of, following, post_all
from application.ports import PaymentRequest, Payments, ProviderRefused, ProviderSilent
from application.work import Work
from domain.funding import entries
from domain.funding.deposit import Deposit, RecordPayment, RecordRefusal, RecordSilence, RequestDeposit
from domain.funding.deposit_events import DepositSettled, Status, UnknownDeposit
from domain.payments import BalanceMovement, PaymentFact


def request_deposit(envelope: Envelope, deposit: RequestDeposit) -> Command:
    """Return the command that puts a deposit on record. Raises `InvalidDeposit` when it is decided."""
    stream = streams.deposit(envelope.tenant, deposit.deposit)

    def decide(work: Work) -> Body:
        require_actor(work, envelope)
        work.run(stream, deposit)
        return _body(work, stream)

    reads = (*actor_streams(envelope), stream)
    return Command(name="request_deposit", envelope=envelope, reads=reads, decide=decide)


async def find_deposit(committer: Committer, tenant: str, deposit: str) -> Deposit:
    """Find a deposit as it stands. Raises `UnknownDeposit`."""
    known: Deposit | None = (await committer.state(streams.deposit(tenant, deposit))).state
    if known is None:
        raise UnknownDeposit
    return known


async def ask_for_payment(
    committer: Committer, providers: Mapping[str, Payments], envelope: Envelope, *, deposit: str
) -> Done:
    """Ask its provider to collect a deposit that is on record, and record what it says.

    `envelope` is that of the request. Asked again, it asks the provider only if nothing is known of an earlier time.
    """
    known = await find_deposit(committer, envelope.tenant, deposit)
    step = following(envelope, "answer")
    payments = providers.get(known.provider)
    if known.status is not Status.REQUESTED or payments is None:
        return await committer.submit(_look_at(step, known))
    try:
        fact = await payments.create_payment(
            PaymentRequest(tenant=envelope.tenant, id=known.deposit, amount=known.amount)
        )
    except ProviderRefused as refused:
        return await committer.submit(record_payment_refusal(step, known, refused.reason))
    except ProviderSilent:
        return await committer.submit(record_payment_silence(step, known))
    return await committer.submit(record_payment(step, known, fact))


async def client_secret(providers: Mapping[str, Payments], known: Deposit) -> str | None:
    """Fetch what the payer completes a pending payment with; it is never stored. None where there is none to be had."""
    payments = providers.get(known.provider)
    if payments is None or known.payment is None or known.status is not Status.PENDING:
        return None
    try:
        return await payments.client_secret(known.payment)
    except (ProviderRefused, ProviderSilent):
        return None


def record_payment(envelope: Envelope, known: Deposit, fact: PaymentFact) -> Command:
    """Return the command that takes over a payment as the provider has it, and books it once it is settled."""
    tenant = envelope.tenant
    stream, book = streams.deposit(tenant, known.deposit), streams.book(tenant, known.user)

    def decide(work: Work) -> Body:
        for event in work.run(stream, RecordPayment(tenant=tenant, fact=fact)):
            if isinstance(event, DepositSettled):
                _settle(work, envelope, event)
        return _body(work, stream)

    reads = (stream, book, *claims_of(envelope, known.provider, fact.movement))
    return Command(name="record_payment", envelope=envelope, reads=reads, decide=decide)


def record_payment_refusal(envelope: Envelope, known: Deposit, reason: str) -> Command:
    """Return the command that records that the provider will not collect it."""
    return _recorded(envelope, known, RecordRefusal(reason=reason, occurred_at=envelope.now))


def record_payment_silence(envelope: Envelope, known: Deposit) -> Command:
    """Return the command that records that nobody knows what the provider did."""
    return _recorded(envelope, known, RecordSilence(occurred_at=envelope.now))


def _settle(work: Work, envelope: Envelope, event: DepositSettled) -> None:
    claim(work, envelope, event.movement, source=event.provider, by=event.deposit)
    made = entries.deposit_settled(
        booking(envelope, event.deposit, movement=event.movement, occurred_at=event.occurred_at),
        work.state(streams.book(envelope.tenant, event.user)),
        user=event.user,
        provider=event.provider,
        amount=event.amount,
        movement=BalanceMovement(id=event.movement, settled=event.settled, fee=event.fee),
    )
    post_all(work, envelope, made)


def _recorded(envelope: Envelope, known: Deposit, said: RecordRefusal | RecordSilence) -> Command:
    stream = streams.deposit(envelope.tenant, known.deposit)

    def decide(work: Work) -> Body:
        work.run(stream, said)
        return _body(work, stream)

    return Command(name="record_payment", envelope=envelope, reads=(stream,), decide=decide)


def _look_at(envelope: Envelope, known: Deposit) -> Command:
    stream = streams.deposit(envelope.tenant, known.deposit)
    return Command(name="record_payment", envelope=envelope, reads=(stream,), decide=lambda work: _body(work, stream))


def _body(work: Work, stream: str) -> Body:
    deposit: Deposit = work.state(stream)
    return {"id": deposit.deposit, "status": deposit.status.value, "amount": deposit.amount.as_data()}
