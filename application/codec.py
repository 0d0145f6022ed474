"""The table of events, by their stored names, and the only way between a fact and its JSON.

A stored name is never a Python path. Adding an optional field keeps the version; any other change is a new name and
an upcaster.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from pydantic_core import SchemaSerializer, SchemaValidator, ValidationError, from_json, to_json
from pydantic_core.core_schema import list_schema

from application.ids import EVENTS as EVENT_IDS
from application.ids import derive
from application.plain_entries import read_entry, recall_entry, write_entry
from application.recalling import relaxed
from application.upcasters import UPCASTERS, Upcaster
from application.wire import schema_of
from domain import (
    api_keys,
    assets,
    claims,
    connections,
    days,
    destinations,
    inbox,
    proposals,
    refusals,
    tenants,
    timers,
    transfers,
    users,
)
from domain.errors import DomainError
from domain.exchange import position, quote, rates
from domain.funding import allowance, deposit_events, dispute, payout, receipt, refund, write_off
from domain.ledger import entry
from domain.orders import events as orders
from domain.positions import events as positions
from domain.withdrawals import events as withdrawals
from domain.withdrawals import payout_file

EVENTS: Mapping[str, type] = {
    "tenant.created.v1": tenants.TenantCreated,
    "asset.registered.v1": assets.AssetRegistered,
    "email.claimed.v1": claims.EmailClaimed,
    "user.registered.v1": users.UserRegistered,
    "user.email_verified.v1": users.UserEmailVerified,
    "user.second_factor_confirmed.v1": users.UserSecondFactorConfirmed,
    "user.second_factor_removed.v1": users.UserSecondFactorRemoved,
    "user.sessions_ended.v1": users.UserSessionsEnded,
    "user.identity_linked.v1": users.UserIdentityLinked,
    "user.identity_unlinked.v1": users.UserIdentityUnlinked,
    "user.activated.v1": users.UserActivated,
    "user.suspended.v1": users.UserSuspended,
    "user.roles_changed.v1": users.UserRolesChanged,
    "ledger.entry_posted.v1": entry.EntryPosted,
    "ledger.reference_claimed.v1": entry.ReferenceClaimed,
    "ledger.entry_reversed.v1": entry.EntryReversed,
    "connection.opened.v1": connections.ConnectionOpened,
    "order.initialized.v1": orders.OrderInitialized,
    "order.denied.v1": orders.OrderDenied,
    "order.submitted.v1": orders.OrderSubmitted,
    "order.outcome_unknown.v1": orders.OrderOutcomeUnknown,
    "order.accepted.v1": orders.OrderAccepted,
    "order.rejected.v1": orders.OrderRejected,
    "order.canceled.v1": orders.OrderCanceled,
    "order.expired.v1": orders.OrderExpired,
    "order.filled.v1": orders.OrderFilled,
    "position.filled.v1": positions.PositionFilled,
    "position.charged.v1": positions.PositionCharged,
    "position.fill_corrected.v1": positions.FillCorrected,
    "position.coins_reassigned.v1": positions.CoinsReassigned,
    "position.coins_adopted.v1": positions.CoinsAdopted,
    "position.dust_removed.v1": positions.DustRemoved,
    "destination.added.v1": destinations.DestinationAdded,
    "destination.removed.v1": destinations.DestinationRemoved,
    "api_key.created.v1": api_keys.ApiKeyCreated,
    "api_key.rotated.v1": api_keys.ApiKeyRotated,
    "api_key.revoked.v1": api_keys.ApiKeyRevoked,
    "withdrawal.requested.v1": withdrawals.WithdrawalRequested,
    "withdrawal.cancelled.v1": withdrawals.WithdrawalCancelled,
    "withdrawal.approved.v1": withdrawals.WithdrawalApproved,
    "withdrawal.rejected.v1": withdrawals.WithdrawalRejected,
    "withdrawal.sent.v1": withdrawals.WithdrawalSent,
    "payout_file.made.v1": payout_file.PayoutFileMade,
    "withdrawal.paid.v1": withdrawals.WithdrawalPaid,
    "withdrawal.failed.v1": withdrawals.WithdrawalFailed,
    "withdrawal.returned.v1": withdrawals.WithdrawalReturned,
    "proposal.withdrawal_approval_proposed.v1": proposals.WithdrawalApprovalProposed,
    "proposal.manual_entry_proposed.v1": proposals.ManualEntryProposed,
    "proposal.client_money_move_proposed.v1": proposals.ClientMoneyMoveProposed,
    "proposal.write_off_proposed.v1": proposals.WriteOffProposed,
    "proposal.allowance_proposed.v1": proposals.AllowanceProposed,
    "proposal.approved.v1": proposals.ProposalApproved,
    "proposal.rejected.v1": proposals.ProposalRejected,
    "proposal.expired.v1": proposals.ProposalExpired,
    "provider.event_received.v1": inbox.ProviderEventReceived,
    "outside_fact.booked.v1": claims.OutsideFactBooked,
    "deposit.requested.v1": deposit_events.DepositRequested,
    "deposit.outcome_unknown.v1": deposit_events.DepositOutcomeUnknown,
    "deposit.payment_created.v1": deposit_events.DepositPaymentCreated,
    "deposit.settled.v1": deposit_events.DepositSettled,
    "deposit.failed.v1": deposit_events.DepositFailed,
    "deposit.cancelled.v1": deposit_events.DepositCancelled,
    "deposit.return_reserved.v1": deposit_events.DepositReturnReserved,
    "deposit.return_released.v1": deposit_events.DepositReturnReleased,
    "refund.requested.v1": refund.RefundRequested,
    "refund.outcome_unknown.v1": refund.RefundOutcomeUnknown,
    "refund.accepted.v1": refund.RefundAccepted,
    "refund.settled.v1": refund.RefundSettled,
    "refund.failed.v1": refund.RefundFailed,
    "dispute.opened.v1": dispute.DisputeOpened,
    "dispute.charged_back.v1": dispute.DisputeChargedBack,
    "dispute.won.v1": dispute.DisputeWon,
    "dispute.lost.v1": dispute.DisputeLost,
    "payout.created.v1": payout.PayoutCreated,
    "payout.arrived.v1": payout.PayoutArrived,
    "payout.failed.v1": payout.PayoutFailed,
    "receipt.recorded.v1": receipt.ReceiptRecorded,
    "receipt.identified.v1": receipt.ReceiptIdentified,
    "write_off.made.v1": write_off.WriteOffMade,
    "write_off.recovered.v1": write_off.WriteOffRecovered,
    "allowance.set.v1": allowance.AllowanceSet,
    "allowance.used.v1": allowance.AllowanceUsed,
    "allowance.restored.v1": allowance.AllowanceRestored,
    "transfer.made.v1": transfers.TransferMade,
    "timer.set.v1": timers.TimerSet,
    "timer.due.v1": timers.TimerDue,
    "rate.recorded.v1": rates.RateRecorded,
    "quote.made.v1": quote.QuoteMade,
    "quote.accepted.v1": quote.QuoteAccepted,
    "fx.taken_on.v1": position.FxTakenOn,
    "fx.covered.v1": position.FxCovered,
    "policy.command_refused.v1": refusals.PolicyCommandRefused,
    "time.day_ended.v1": days.DayEnded,
}


class Plain(NamedTuple):
    """Shorter ways to write and read what the schema describes. Each returns None where it cannot tell.

    `write` returns what the schema writes; `read` an event if the schema reads it and writes the same bytes; `recall`
    asks what `Codec.recall` asks.
    """

    write: Callable[[Any], bytes | None]
    read: Callable[[bytes], Any | None]
    recall: Callable[[bytes], Any | None]


PLAIN: Mapping[str, Plain] = {"ledger.entry_posted.v1": Plain(write_entry, read_entry, recall_entry)}
NO_PLAIN: Mapping[str, Plain] = {}


class CannotDecode(Exception):
    """Stored bytes that are not what their name says: unknown name, broken JSON, or a field that breaks the schema."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


class Codec:
    """Encoding and strict decoding of a family of events; `plain` are shorter ways for some of them."""

    def __init__(
        self, events: Mapping[str, type], upcasters: Mapping[str, Upcaster], plain: Mapping[str, Plain] = NO_PLAIN
    ) -> None:
        self.events = events
        self._plain = plain
        self._upcasters = upcasters
        schemas = {name: schema_of(cls) for name, cls in events.items()}
        self._validators = {name: SchemaValidator(schema) for name, schema in schemas.items()}
        self._serializers = {cls: (name, SchemaSerializer(schemas[name])) for name, cls in events.items()}
        self._recaller = cache(lambda name: SchemaValidator(relaxed(schemas[name])))
        self._serializer_of_many = cache(lambda name: SchemaSerializer(list_schema(schemas[name])))

    def encode(self, event: Any) -> tuple[str, bytes]:
        """Return an event's stored name and its JSON in UTF-8. A field of another type than its annotation is a bug."""
        name, serializer = self._serializers[type(event)]
        plain = self._plain.get(name)
        if plain is not None and (written := plain.write(event)) is not None:
            return name, written
        return name, serializer.to_json(event, warnings="error")

    def are_encoded(self, name: str, events: Sequence[Any], data: Sequence[bytes]) -> bool:
        """Tell whether events of one stored name are encoded to these bytes: asked once of many, it takes less time.

        JSON objects delimit themselves, so a list of them has the same bytes only if each of them has.
        """
        return bool(self._serializer_of_many(name).to_json(list(events), warnings="error") == b"[%b]" % b",".join(data))

    def as_written(self, name: str, data: bytes) -> Any | None:
        """Return the event if it is seen at once that these bytes are decoded, and encoded to themselves; else None.

        None says nothing: `decode` and `encode` must be asked.
        """
        plain = self._plain.get(name)
        return None if plain is None else plain.read(data)

    def decode(self, name: str, data: bytes) -> Any:
        """Return the event; retired names are taken through their upcasters. Raises `CannotDecode`."""
        plain = self._plain.get(name)
        if plain is not None and (event := plain.read(data)) is not None:
            return event
        validator = self._validators.get(name)
        if validator is None:
            name, data = self._upcast(name, data)
            validator = self._validators[name]
        try:
            return validator.validate_json(data)
        except (ValidationError, DomainError) as error:
            raise CannotDecode(name, str(error)) from error

    def recall(self, name: str, data: bytes) -> Any:
        """Return the same event as `decode`, without asking again whether it might have been appended (decision 0040).

        For stored events only, and for those who compare what they make of them. Raises `CannotDecode` for what cannot
        be read at all.
        """
        plain = self._plain.get(name)
        if plain is not None and (event := plain.recall(data)) is not None:
            return event
        if name not in self.events:
            name, data = self._upcast(name, data)
        try:
            return self._recaller(name).validate_json(data)
        except (ValidationError, LookupError) as error:
            raise CannotDecode(name, str(error)) from error

    def name_of(self, cls: type) -> str:
        """Return the stored name of an event class."""
        return self._serializers[cls][0]

    def _upcast(self, name: str, data: bytes) -> tuple[str, bytes]:
        if name not in self._upcasters:
            raise CannotDecode(name, "unknown event name")
        try:
            fact = from_json(data)
        except ValueError as error:
            raise CannotDecode(name, str(error)) from error
        while name in self._upcasters:
            name, upcast = self._upcasters[name]
            fact = upcast(fact)
        return name, to_json(fact)


CODEC = Codec(EVENTS, UPCASTERS, PLAIN)
encode = CODEC.encode
decode = CODEC.decode
recall = CODEC.recall


def event_id_of(event: Any, command_id: str, index: int) -> str:
    """Return an entry's own id, by which it is found in the log; of other events one derived from command and index."""
    if isinstance(event, entry.EntryPosted):
        return event.entry.id
    return derive(EVENT_IDS, command_id, str(index))
