"""Money in bodies: an amount of the company's books, at the scale that its asset has there."""

from domain.ledger.accounts import Realm
from domain.money import Amount
from interfaces.api.ask import Ask
from interfaces.api.fields import Level, Money
from interfaces.api.problems import pointing_at


async def of_company(ask: Ask, money: Money | Level, *at: str) -> Amount:
    """Return an amount of our own books. Raises `UnknownAsset` or what makes it no amount, pointing at `at`."""
    with pointing_at(*at, "asset"):
        asset = (await ask.parts.assets.find(money.asset)).at(Realm.COMPANY)
    with pointing_at(*at, "value"):
        return Amount.parse(money.value, asset)
