"""A provider for trying things out: it goes through the same port, keeps its objects, and moves no money.

What a payer, a bank or a provider would do, an operator does (`lastro sandbox settle | fail | …`). Each act leaves a
message that is sent, signed, over HTTP until it is taken (sandbox_sender.py), as a real provider's would be.
"""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from pydantic_core import SchemaSerializer, SchemaValidator, from_json
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from application.gathering import Gathering
from application.ids import derive, namespace
from application.ports import Clock, ForgedWebhook, PaymentRequest, ProviderEvent, ProviderRefused, RefundRequest
from application.wire import schema_of
from domain.money import Amount, Rounding
from domain.payments import (
    BalanceMovement,
    DisputeFact,
    DisputeStatus,
    ObjectKind,
    PaymentFact,
    PaymentStatus,
    PayoutFact,
    PayoutStatus,
    ProviderFact,
    RefundFact,
    RefundStatus,
)
from interfaces.postgres.connections import Connection, Pool, committing_each, reading, writing

F = TypeVar("F", bound=ProviderFact)

NAME = "sandbox"
FEE_BPS = 399
DISPUTE_FEE = 15
"""In whole units of the payment's currency."""
_IDS = namespace("sandbox")
_TENANT = "system"
_CLASSES: Mapping[ObjectKind, type[ProviderFact]] = {
    ObjectKind.PAYMENT: PaymentFact,
    ObjectKind.REFUND: RefundFact,
    ObjectKind.DISPUTE: DisputeFact,
    ObjectKind.PAYOUT: PayoutFact,
}
_FORMS = {kind: (SchemaValidator(schema_of(of)), SchemaSerializer(schema_of(of))) for kind, of in _CLASSES.items()}
_GET = "select kind, fact::text from sandbox.objects where id = %s"
_GET_ALL = "select id, kind, fact::text from sandbox.objects where id = any(%s::text[])"
_FIND = "select id from sandbox.objects where kind = %s and own_id = %s"
_FIND_OWN = "select id from sandbox.objects where own_id = %s"
_LOCK = "select kind, fact::text from sandbox.objects where id = %s for update"
_PUT = """
insert into sandbox.objects (kind, id, own_id, fact) values (%s, %s, %s, %s) on conflict (id) do nothing
"""
_CHANGE = "update sandbox.objects set fact = %s where id = %s"
_TELL = "insert into sandbox.messages (object) values (%s)"


class SandboxRefuses(Exception):
    """The object does not exist, or is not in a state for this act."""


class SandboxPayments:
    """The port `Payments`. `secret` signs its messages and lies in the vault's master key, so both sides have it."""

    name = NAME

    def __init__(self, source: Pool, clock: Clock, *, secret: bytes) -> None:
        self._source = source
        self._clock = clock
        self._secret = secret
        self._looks = Gathering(self._look)

    async def create_payment(self, request: PaymentRequest) -> PaymentFact:
        """See the port."""
        made = PaymentFact(
            provider=NAME,
            id=f"pay_{derive(_IDS, 'payment', request.id)}",
            tenant=request.tenant,
            deposit=request.id,
            status=PaymentStatus.PENDING,
            amount=request.amount,
            occurred_at=self._clock.now(),
        )
        return await self._add(ObjectKind.PAYMENT, request.id, made)

    async def create_refund(self, request: RefundRequest) -> RefundFact:
        """See the port."""
        payment = await self.get(ObjectKind.PAYMENT, request.payment)
        if not isinstance(payment, PaymentFact) or payment.status is not PaymentStatus.SUCCEEDED:
            raise ProviderRefused(reason="payment_not_refundable")
        made = RefundFact(
            provider=NAME,
            id=f"ref_{derive(_IDS, 'refund', request.id)}",
            tenant=request.tenant,
            refund=request.id,
            payment=request.payment,
            status=RefundStatus.PENDING,
            amount=request.amount,
            occurred_at=self._clock.now(),
        )
        return await self._add(ObjectKind.REFUND, request.id, made)

    async def client_secret(self, payment: str) -> str:
        """See the port."""
        return f"{payment}_secret_{hmac.digest(self._secret, payment.encode(), 'sha256').hex()[:16]}"

    async def get(self, kind: ObjectKind, object_id: str) -> ProviderFact | None:
        """See the port."""
        found, text = (await self._looks.take(object_id)).get(object_id, ("", ""))
        return _read(text, kind) if found == kind else None

    async def _look(self, object_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Look objects up that are asked for together."""
        async with committing_each(self._source) as connection:
            cursor = await connection.execute(_GET_ALL, [list(object_ids)], prepare=True)
            return {id: (kind, text) for id, kind, text in await cursor.fetchall()}

    async def find_payment(self, tenant: str, deposit: str) -> PaymentFact | None:
        """See the port."""
        found = await self._find(ObjectKind.PAYMENT, deposit)
        return found if isinstance(found, PaymentFact) and found.tenant == tenant else None

    async def find_refund(self, tenant: str, refund: str, *, payment: str) -> RefundFact | None:
        """See the port."""
        found = await self._find(ObjectKind.REFUND, refund)
        return found if isinstance(found, RefundFact) and (found.tenant, found.payment) == (tenant, payment) else None

    def verify(self, body: bytes, headers: Mapping[str, str]) -> ProviderEvent:
        """See the port."""
        try:
            Webhook(self._secret).verify(body, dict(headers))
            said = from_json(body)
            return ProviderEvent(
                provider=NAME, id=headers["webhook-id"], kind=ObjectKind(said["kind"]), object=str(said["object"])
            )
        except (WebhookVerificationError, ValueError, KeyError, TypeError) as error:
            raise ForgedWebhook from error

    async def id_of(self, own_id: str) -> str:
        """Return the sandbox's id of what was made under our id; any other text is an id of the sandbox already."""
        async with reading(self._source, _TENANT) as connection:
            row = await (await connection.execute(_FIND_OWN, [own_id])).fetchone()
        return own_id if row is None else str(row[0])

    # What happens outside.

    async def settle(self, object_id: str) -> ProviderFact:
        """Let a payment or refund succeed, or a payout arrive; a payment costs its fee. Raises `SandboxRefuses`."""

        def settled(fact: ProviderFact) -> ProviderFact:
            match fact:
                case PaymentFact(status=PaymentStatus.PENDING, amount=amount):
                    fee = amount.times(FEE_BPS, over=10_000, rounding=Rounding.HALF_EVEN)
                    return replace(
                        fact, status=PaymentStatus.SUCCEEDED, movement=_line(fact.id, "paid", amount, fee=fee)
                    )
                case RefundFact(status=RefundStatus.PENDING, amount=amount):
                    return replace(fact, status=RefundStatus.SUCCEEDED, movement=_line(fact.id, "refunded", amount))
                case PayoutFact(status=PayoutStatus.IN_TRANSIT):
                    return replace(fact, status=PayoutStatus.ARRIVED)
                case _:
                    raise SandboxRefuses(f"{fact.id} is {fact.status.value}")

        return await self._act(object_id, settled)

    async def fail(self, object_id: str, reason: str = "declined") -> ProviderFact:
        """Let a payment, refund or payout fail. Raises `SandboxRefuses`."""

        def failed(fact: ProviderFact) -> ProviderFact:
            match fact:
                case PaymentFact(status=PaymentStatus.PENDING):
                    return replace(fact, status=PaymentStatus.FAILED, reason=reason)
                case RefundFact(status=RefundStatus.PENDING):
                    return replace(fact, status=RefundStatus.FAILED, reason=reason)
                case PayoutFact(status=PayoutStatus.IN_TRANSIT):
                    return replace(fact, status=PayoutStatus.FAILED, reason=reason)
                case _:
                    raise SandboxRefuses(f"{fact.id} is {fact.status.value}")

        return await self._act(object_id, failed)

    async def dispute(self, payment: str, reason: str = "fraudulent") -> DisputeFact:
        """Let a payer take a payment back, with the dispute's fee. Raises `SandboxRefuses`."""
        paid = await self.get(ObjectKind.PAYMENT, payment)
        if not isinstance(paid, PaymentFact) or paid.status is not PaymentStatus.SUCCEEDED:
            raise SandboxRefuses(f"{payment} is no payment that succeeded")
        id = dispute_of(payment)
        made = DisputeFact(
            provider=NAME,
            id=id,
            tenant=paid.tenant,
            deposit=paid.deposit,
            payment=payment,
            status=DisputeStatus.OPEN,
            amount=paid.amount,
            taken=_line(
                id, "taken", paid.amount, fee=paid.amount.asset.amount(DISPUTE_FEE * 10**paid.amount.asset.scale)
            ),
            reason=reason,
            occurred_at=self._clock.now(),
        )
        return await self._add(ObjectKind.DISPUTE, None, made, tell=True)

    async def close_dispute(self, dispute: str, *, won: bool) -> ProviderFact:
        """Decide a dispute, or a payment's: a won one gives money and fee back. Raises `SandboxRefuses`."""

        def closed(fact: ProviderFact) -> ProviderFact:
            if not isinstance(fact, DisputeFact) or fact.status is not DisputeStatus.OPEN or fact.taken is None:
                raise SandboxRefuses(f"{fact.id} is no open dispute")
            if not won:
                return replace(fact, status=DisputeStatus.LOST)
            returned = _line(fact.id, "returned", fact.taken.settled, fee=fact.taken.fee)
            return replace(fact, status=DisputeStatus.WON, returned=returned)

        is_payment = await self.get(ObjectKind.PAYMENT, dispute) is not None
        return await self._act(dispute_of(dispute) if is_payment else dispute, closed)

    async def pay_out(self, amount: Amount) -> PayoutFact:
        """Send our money to our bank."""
        now = self._clock.now()
        id = f"out_{derive(_IDS, 'payout', now.isoformat(), str(amount))}"
        made = PayoutFact(
            provider=NAME,
            id=id,
            status=PayoutStatus.IN_TRANSIT,
            amount=amount,
            movement=_line(id, "sent", amount),
            occurred_at=now,
        )
        return await self._add(ObjectKind.PAYOUT, None, made, tell=True)

    async def _find(self, kind: ObjectKind, own_id: str) -> ProviderFact | None:
        async with reading(self._source, _TENANT) as connection:
            row = await (await connection.execute(_FIND, [kind, own_id])).fetchone()
        return None if row is None else await self.get(kind, row[0])

    async def _add(self, kind: ObjectKind, own_id: str | None, made: F, *, tell: bool = False) -> F:
        """Keep an object, unless it is there already; return what is there."""
        async with writing(self._source, _TENANT) as connection:
            added = await connection.execute(_PUT, [kind, made.id, own_id, _written(made, kind)])
            if tell and added.rowcount == 1:
                await connection.execute(_TELL, [made.id])
            found = await _stored(connection, _GET, made.id)
        assert isinstance(found, type(made))
        return found

    async def _act(self, object_id: str, change: Callable[[ProviderFact], ProviderFact]) -> ProviderFact:
        async with writing(self._source, _TENANT) as connection:
            fact = await _stored(connection, _LOCK, object_id)
            changed = replace(change(fact), occurred_at=self._clock.now())
            await connection.execute(_CHANGE, [_written(changed, _kind_of(changed)), object_id])
            await connection.execute(_TELL, [object_id])
        return changed


def dispute_of(payment: str) -> str:
    """Return the id of a payment's dispute: there is one at most."""
    return f"dis_{derive(_IDS, 'dispute', payment)}"


async def _stored(connection: Connection, query: str, object_id: str) -> ProviderFact:
    row = await (await connection.execute(query.encode(), [object_id])).fetchone()
    if row is None:
        raise SandboxRefuses(f"the sandbox has no {object_id}")
    return _read(row[1], ObjectKind(row[0]))


def _read(text: str, kind: ObjectKind) -> ProviderFact:
    found: ProviderFact = _FORMS[kind][0].validate_json(text)
    return found


def _written(fact: ProviderFact, kind: ObjectKind) -> str:
    return _FORMS[kind][1].to_json(fact).decode()


def _kind_of(fact: ProviderFact) -> ObjectKind:
    return next(kind for kind, of in _CLASSES.items() if isinstance(fact, of))


def _line(object_id: str, what: str, settled: Amount, *, fee: Amount | None = None) -> BalanceMovement:
    return BalanceMovement(
        id=f"txn_{derive(_IDS, object_id, what)}", settled=settled, fee=settled.asset.amount(0) if fee is None else fee
    )
