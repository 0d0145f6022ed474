"""Use cases of assets: register one, and look one up. An asset never changes, so what was seen once is kept."""

from application import streams
from application.cache import StateCache
from application.commands import Body, Command, Envelope
from application.store import Store
from application.work import Work
from domain.assets import RegisterAsset, Registered, UnknownAsset
from domain.instruments import SCALE
from domain.ledger.accounts import Realm, describe
from domain.money import Asset

MOST_KNOWN = 10_000


def register_asset(envelope: Envelope, asset: RegisterAsset) -> Command:
    """Return the command that registers an asset; its envelope's tenant is `system`."""
    stream = streams.asset(asset.asset)

    def decide(work: Work) -> Body:
        work.run(stream, asset)
        return {"asset": asset.asset}

    return Command(name="register_asset", envelope=envelope, reads=(stream,), decide=decide)


class Assets:
    """The registered assets, read from their streams when they are first asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, Registered] = {}

    async def find(self, code: str) -> Registered:
        """Return a registered asset. Raises `UnknownAsset`."""
        known = self._known.get(code)
        if known is not None:
            return known
        stream = streams.asset(code)
        entry = (await StateCache(1).refresh([stream], self._store.load))[stream]
        if not isinstance(entry.state, Registered):
            raise UnknownAsset(asset=code)
        if len(self._known) < MOST_KNOWN:
            self._known[code] = entry.state
        return entry.state

    async def in_portfolio(self, code: str) -> Asset:
        """Return an asset as venues hold it. Raises `UnknownAsset`, also for one that no venue holds."""
        asset = (await self.find(code)).at(Realm.PORTFOLIO)
        if asset.scale != SCALE:
            raise UnknownAsset(asset=code)
        return asset

    async def of_account(self, account: str, code: str) -> Asset:
        """Return an asset at the scale of an account's realm. Raises `UnknownAccount` or `UnknownAsset`."""
        realm = describe(account).realm
        return (await self.find(code)).at(realm)
