"""Money that leaves a user of a house: to another, to a destination, and what people decide on it."""

from dataclasses import replace
from datetime import timedelta

from application import streams
from application.api_keys import Wanted, create_key, find_key, revoke_key, rotate_key
from application.destinations import add_destination
from application.exchange import accept_quote, ask_for_quote, record_rate
from application.payout_files import make_payout_file
from application.proposals import propose_approval
from application.transfers import make_transfer
from application.withdrawals import approve_withdrawal, find_withdrawal, request_withdrawal
from domain import api_keys
from domain.api_keys import Scope
from domain.destinations import AddDestination, Kind
from domain.exchange.quote import Costs, Quote
from domain.exchange.rates import PRICE_SCALE
from domain.ids import (
    AccountPath,
    ApiKeyId,
    DestinationId,
    PayoutFileId,
    ProposalId,
    QuoteId,
    TransferId,
    UserId,
    WithdrawalId,
)
from domain.ledger.accounts import Bucket
from domain.money import Amount, Asset
from domain.users import Role
from domain.withdrawals.withdrawal import Withdrawal
from tests.domain.withdrawals.withdrawals import TERMS
from tests.projections.house import USD, House, name

BANK = AccountPath("assets:bank:client:main")
OPEN = replace(TERMS, per_day=USD.amount(10**9), per_request=USD.amount(10**9), requests_per_day=10**6)


async def destination(house: House, user: UserId, *, kind: Kind = Kind.IBAN) -> DestinationId:
    """Add a destination that may be used at once."""
    id = DestinationId(name("destination", house.tenant, user, kind))
    command = AddDestination(
        destination=id, user=user, kind=kind, asset="USD", occurred_at=house.now, usable_from=house.now
    )
    await house.do(add_destination(house.envelope(actor=user), command))
    return id


async def api_key(house: House, user: UserId) -> ApiKeyId:
    """Make a key, rotate it, and revoke it; return its successor, which is good."""
    first, second = (
        Wanted(key=ApiKeyId(name(word, house.tenant, user)), kind=api_keys.Kind.HMAC, has_addresses=False)
        for word in ("first key", "second key")
    )
    await house.do(create_key(house.envelope(actor=user), first, user=user, scopes=(Scope.READ, Scope.TRADE)))
    envelope = house.envelope(actor=user)
    known = await find_key(house.committer, envelope, first.key)
    await house.do(rotate_key(envelope, known, second, overlap=timedelta(hours=1)))
    await house.do(revoke_key(house.envelope(actor=user), first.key))
    return second.key


async def withdrawal(house: House, user: UserId, to: DestinationId, *, cents: int = 5_000) -> Withdrawal:
    """Ask for a withdrawal, a second later than the one before, with the money for it."""
    house.now += timedelta(seconds=1)
    await house.deposit(user, cents)
    envelope = house.envelope(actor=user)
    id = WithdrawalId(name("withdrawal", envelope.command_id))
    command = request_withdrawal(
        envelope, id, user=user, destination=to, bucket=Bucket.REAL, amount=USD.amount(cents), terms=OPEN
    )
    await house.do(command)
    return await find_withdrawal(house.committer, house.tenant, id)


async def proposal(house: House, of: Withdrawal) -> ProposalId:
    """Have an operator propose that a withdrawal be approved."""
    operator = await house.user(f"operator of {of.withdrawal}", roles=(Role.OPERATOR,))
    id = ProposalId(name("proposal", of.withdrawal))
    await house.do(propose_approval(house.envelope(actor=operator), of, id))
    return id


async def payout_file(house: House, user: UserId, to: DestinationId) -> PayoutFileId:
    """Approve a withdrawal of a user and put it into a file for the bank."""
    one = await withdrawal(house, user, to)
    await house.do(approve_withdrawal(house.envelope(), one))
    id = PayoutFileId(name("payout file", one.withdrawal))
    await house.do(make_payout_file(house.envelope(), id, asset="USD", waiting=[one.withdrawal]))
    return id


async def transfer(house: House, sender: UserId, *, to: UserId, cents: int = 100) -> None:
    """Send money to another user."""
    id = TransferId(name("transfer", sender, to))
    await house.do(make_transfer(house.envelope(actor=sender), id, to, amount=USD.amount(cents), note=""))


async def exchange(house: House, user: UserId, *, cents: int = 100) -> QuoteId:
    """Exchange money of a user for reais at 5.40, as quoted."""
    price = Amount.parse("5.40", Asset("BRL", PRICE_SCALE))
    await house.do(record_rate(house.envelope(), "USD", price, source="bank", occurred_at=house.now))
    await house.deposit(user, cents)
    id = QuoteId(name("quote", user))
    envelope = house.envelope(actor=user)
    costs, good = Costs(spread_bps=100, tax_bps=38, tax_kind="iof"), house.now + timedelta(seconds=30)
    bought = Asset("BRL", 2)
    await house.do(ask_for_quote(envelope, id, USD.amount(cents), bought=bought, costs=costs, expires_at=good))
    known = (await house.committer.state(streams.quote(house.tenant, id))).state
    assert isinstance(known, Quote)
    await house.do(accept_quote(house.envelope(actor=user), known))
    return id
