"""A provider's message is on record once, by the provider's own id."""

from domain import inbox
from domain.inbox import ProviderEventReceived, ReceiveProviderEvent
from domain.payments import ObjectKind
from tests.domain.given import given


def test_a_message_is_on_record_once_and_a_later_one_under_its_id_changes_nothing() -> None:
    first = ReceiveProviderEvent(provider="stripe", event="evt_1", kind=ObjectKind.PAYMENT, object="pi_1")
    received = ProviderEventReceived(provider="stripe", event="evt_1", kind=ObjectKind.PAYMENT, object="pi_1")
    other = ReceiveProviderEvent(provider="stripe", event="evt_1", kind=ObjectKind.PAYOUT, object="po_1")
    given(inbox).when(first).then(received)
    given(inbox, received).when(first).nothing()
    given(inbox, received).when(other).nothing()
