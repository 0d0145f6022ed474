"""The paper venue behind the exchange port: it looks up the candle that an order meets, and sends nothing anywhere.

What happens at that candle is decided in domain/paper.py, inside the append, from the holdings of that moment.
"""

from application.ports import VenueAnswer
from domain.orders.order import Order
from domain.paper import Opening, Terms, execute
from interfaces.exchanges import built_in
from interfaces.exchanges.candles import Candles, read
from interfaces.settings import Settings


class PaperVenue:
    """A venue that fills every order it can at the open of a candle. Asking twice gives the same answer."""

    repeatable = True

    def __init__(self, candles: Candles, terms: Terms) -> None:
        self.candles = candles
        self.terms = terms

    @classmethod
    def from_settings(cls, settings: Settings) -> "PaperVenue":
        """Return the venue with the candles and costs of the settings. Raises `CandlesRefused` or OSError."""
        candles = built_in.candles() if settings.paper_candles is None else read(settings.paper_candles)
        return cls(candles, Terms(slippage_bps=settings.paper_slippage_bps, fee_bps=settings.paper_fee_bps))

    async def submit(self, order: Order) -> VenueAnswer:
        """Find the candle: the first with volume at or after the time the order asks for, else the last."""
        opening = self._opening(order)
        return lambda holdings: execute(order, opening, terms=self.terms, holdings=holdings)

    def _opening(self, order: Order) -> Opening | None:
        if order.instrument != self.candles.instrument.id:
            return None
        candle = self.candles.meet(order.at_candle)
        return None if candle is None else Opening(at=candle.at, price=candle.open)
