"""Withdrawals as the tests of use cases make them: a user with money, a destination, and operators."""

from dataclasses import replace
from datetime import datetime, timedelta

from application import streams
from application.commands import Command
from application.destinations import add_destination
from application.withdrawals import request_withdrawal
from domain.destinations import AddDestination, Kind
from domain.ids import DestinationId, UserId, WithdrawalId
from domain.ledger.accounts import Bucket
from domain.withdrawals.terms import Terms
from domain.withdrawals.withdrawal import Withdrawal
from tests.application.memory import Memory
from tests.application.people import PEOPLE, registered
from tests.application.world import NOW, TENANT, an_id, envelope
from tests.domain.ledger.entries import USER, amount
from tests.domain.withdrawals.withdrawals import TERMS

OPERATOR, SECOND = (UserId(an_id(name)) for name in ("operator", "second"))
USABLE = NOW + timedelta(hours=24)
STAFF = (*PEOPLE, registered(OPERATOR), registered(SECOND))


def terms_of(asset: str) -> Terms:
    """Return TERMS, or for a coin terms with ACCOUNTING's fee and without limits."""
    if asset == "USD":
        return TERMS
    fee, minimum, most = (amount(value, asset) for value in ("0.0005", "0.001", "10"))
    return replace(TERMS, fee=fee, minimum=minimum, per_request=most, per_day=most, second_person_above=None)


def destination_of(asset: str, *, user: UserId = USER) -> AddDestination:
    kind = Kind.IBAN if asset == "USD" else Kind.CRYPTO
    id = DestinationId(an_id(f"destination {asset} {user}"))
    return AddDestination(destination=id, user=user, kind=kind, asset=asset, occurred_at=NOW, usable_from=USABLE)


def destined(asset: str = "USD", *, user: UserId = USER) -> Command:
    return add_destination(envelope(f"destination {asset}", actor=user), destination_of(asset, user=user))


def requested(
    name: str,
    value: str,
    asset: str = "USD",
    *,
    bucket: Bucket = Bucket.REAL,
    user: UserId = USER,
    terms: Terms | None = None,
    now: datetime = USABLE,
    to: DestinationId | None = None,
) -> Command:
    return request_withdrawal(
        envelope(name, actor=user, now=now),
        WithdrawalId(an_id(name)),
        user=user,
        destination=to or destination_of(asset, user=user).destination,
        bucket=bucket,
        amount=amount(value, asset),
        terms=terms or terms_of(asset),
    )


def known(memory: Memory, name: str) -> Withdrawal:
    """Return a withdrawal as it stands."""
    found = memory.state(streams.withdrawal(TENANT, an_id(name)))
    assert isinstance(found, Withdrawal)
    return found
