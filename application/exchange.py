"""Use cases of exchange between own wallets: rates recorded, quotes asked for and accepted, our position covered."""

from datetime import datetime

from application import entries, streams
from application.actors import actor_streams, require_actor
from application.commands import Body, Command, Envelope
from application.ids import ENTRIES, derive
from application.work import Work
from domain.exchange import position, quote
from domain.exchange.position import Cover, FxCovered, TakeOn
from domain.exchange.quote import AcceptQuote, AskForQuote, Costs, Quote, UnknownQuote
from domain.exchange.rates import RecordRate, price_now
from domain.ids import EntryId, QuoteId, UserId
from domain.money import Amount, Asset


def record_rate(envelope: Envelope, base: str, price: Amount, *, source: str, occurred_at: datetime) -> Command:
    """Return the command that records a rate; `price` has 18 decimals."""
    stream = streams.rate(envelope.tenant, base, price.asset.code)

    def decide(work: Work) -> Body:
        require_actor(work, envelope)
        command = RecordRate(base=base, price=price, source=source, occurred_at=occurred_at, now=envelope.now)
        work.run(stream, command)
        return {"base": base, "quote": price.asset.code}

    return Command(name="record_rate", envelope=envelope, reads=(*actor_streams(envelope), stream), decide=decide)


def ask_for_quote(
    envelope: Envelope, id: QuoteId, sold: Amount, *, bought: Asset, costs: Costs, expires_at: datetime
) -> Command:
    """Return the command that makes an offer at the rate of this moment."""
    tenant = envelope.tenant
    stream, rate = streams.quote(tenant, id), streams.rate(tenant, sold.asset.code, bought.code)

    def decide(work: Work) -> Body:
        require_actor(work, envelope)
        known = price_now(work.state(rate), sold.asset.code, bought.code, now=envelope.now)
        command = AskForQuote(
            quote=id,
            user=UserId(envelope.actor),
            sold=sold,
            bought=bought,
            rate=known,
            costs=costs,
            occurred_at=envelope.now,
            expires_at=expires_at,
        )
        work.run(stream, command)
        made = work.state(stream).made
        return {"id": id, **_offer(made)}

    reads = (*actor_streams(envelope), stream, rate)
    return Command(name="ask_for_quote", envelope=envelope, reads=reads, decide=decide)


def accept_quote(envelope: Envelope, known: Quote) -> Command:
    """Return the command that exchanges as quoted; `known` says whose quote it is and in what, which never changes."""
    tenant, made = envelope.tenant, known.made
    if made.user != envelope.actor:
        raise UnknownQuote
    stream, book = streams.quote(tenant, made.quote), streams.book(tenant, made.user)
    fx = streams.fx(tenant, made.sold.asset.code, made.net.asset.code)

    def decide(work: Work) -> Body:
        require_actor(work, envelope)
        for accepted in work.run(stream, AcceptQuote(occurred_at=envelope.now)):
            assert isinstance(accepted, quote.QuoteAccepted), "an acceptance accepts"
            posted = quote.entry(
                made,
                work.state(book),
                id=EntryId(derive(ENTRIES, made.quote, "exchange")),
                occurred_at=accepted.occurred_at,
                effective_at=envelope.now,
            )
            entries.post(work, envelope, posted)
            work.run(fx, TakeOn(base=made.sold, quote=made.gross))
        return {"id": made.quote, "status": "accepted"}

    reads = (*actor_streams(envelope), stream, book, fx)
    return Command(name="accept_quote", envelope=envelope, reads=reads, decide=decide, weight=3)


def cover(envelope: Envelope, id: EntryId, *, bank: str, sold: Amount, received: Amount) -> Command:
    """Return the command that books what a bank gave us for a part of our open position."""
    stream = streams.fx(envelope.tenant, sold.asset.code, received.asset.code)

    def decide(work: Work) -> Body:
        require_actor(work, envelope)
        command = Cover(cover=id, bank=bank, base=sold, received=received, occurred_at=envelope.now)
        for covered in work.run(stream, command):
            assert isinstance(covered, FxCovered), "a cover covers"
            entries.post(work, envelope, position.entry(covered, effective_at=envelope.now))
        return {"id": id}

    return Command(name="cover_exchange", envelope=envelope, reads=(*actor_streams(envelope), stream), decide=decide)


def _offer(made: quote.QuoteMade) -> Body:
    parts = {"sold": made.sold, "gross": made.gross, "spread": made.spread, "tax": made.tax, "net": made.net}
    return {
        "status": "open",
        **{name: amount.as_data() for name, amount in parts.items()},
        "price": made.price.as_data(),
        "rate_of": made.rate_of.isoformat(),
        "expires_at": made.expires_at.isoformat(),
    }
