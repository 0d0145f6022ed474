"""Money in the simulated year: it comes in by card and at the bank, is fought over, moves, is exchanged and leaves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from application import streams
from application.deposits import find_deposit, record_payment, record_payment_refusal, request_deposit
from application.destinations import add_destination
from application.disputes import record_dispute
from application.exchange import accept_quote, ask_for_quote, cover, record_rate
from application.payouts import record_payout
from application.receipts import identify_receipt, record_receipt
from application.refunds import find_refund, record_refund, record_refund_refusal, request_refund
from application.transfers import make_transfer
from application.withdrawals import (
    Charge,
    approve_withdrawal,
    cancel_withdrawal,
    fail_withdrawal,
    find_withdrawal,
    pay_withdrawal,
    reject_withdrawal,
    request_withdrawal,
    return_withdrawal,
)
from domain.destinations import AddDestination, Kind
from domain.exchange.quote import Costs, Quote
from domain.exchange.rates import PRICE_SCALE
from domain.funding.deposit import Deposit, RequestDeposit
from domain.funding.receipt import Receipt, RecordReceipt
from domain.ids import DepositId, DestinationId, EntryId, QuoteId, ReceiptId, RefundId, TransferId, UserId, WithdrawalId
from domain.ledger.accounts import Bucket
from domain.money import Amount, Asset, asset_of
from domain.payments import (
    BalanceMovement,
    DisputeFact,
    DisputeStatus,
    PaymentFact,
    PaymentStatus,
    PayoutFact,
    PayoutStatus,
    RefundFact,
    RefundStatus,
)
from domain.withdrawals.withdrawal import Withdrawal
from interfaces.demo.year.house import ACTOR, BRL, EUR, USD, House
from interfaces.withdrawal_terms import DEFAULTS, terms_of

PROVIDERS: Mapping[str, Asset] = {"stripe": USD, "pix": BRL, "sepa": EUR}
FEE_BPS, DISPUTE_FEE = 399, 15_00
CANCELLED, REJECTED, WAITS, FAILED, RETURNED = 0.05, 0.1, 0.2, 0.25, 0.97
"""Where chance falls below, or at last above: what becomes of a withdrawal."""
A_DOLLAR = 100
COSTS = Costs(spread_bps=100, tax_bps=38, tax_kind="iof")
_ALL_BPS = 10_000


@dataclass(slots=True)
class Money:
    """What money does in a house. It remembers what is under way: nothing here is read from a database."""

    house: House
    destinations: dict[UserId, DestinationId] = field(default_factory=dict)
    settled: list[DepositId] = field(default_factory=list)
    disputed: list[tuple[DepositId, DisputeFact]] = field(default_factory=list)
    under_way: list[WithdrawalId] = field(default_factory=list)
    unidentified: list[ReceiptId] = field(default_factory=list)
    at_providers: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PROVIDERS, 0))
    travelling: list[PayoutFact] = field(default_factory=list)
    open_base: int = 0

    async def deposit(self) -> None:
        """Let somebody pay in; one in twenty fails."""
        house = self.house
        provider = house.chance.choices(list(PROVIDERS), weights=(6, 3, 1))[0]
        amount = Amount(house.cents(20_00, 900_00), PROVIDERS[provider])
        id, user = DepositId(house.next_id("deposit")), house.chance.choice(house.users)
        wanted = RequestDeposit(deposit=id, user=user, provider=provider, amount=amount, occurred_at=house.now)
        await house.do(request_deposit(house.envelope(actor=user), wanted))
        known = await find_deposit(house.committer, house.tenant, id)
        if house.chance.random() < 1 / 20:
            await house.do(record_payment_refusal(house.envelope(), known, "card_declined"))
            return
        fee = amount.units * FEE_BPS // _ALL_BPS
        fact = PaymentFact(
            provider=provider,
            id=f"pi_{id}",
            tenant=house.tenant,
            deposit=id,
            status=PaymentStatus.SUCCEEDED,
            amount=amount,
            movement=_line(f"txn_{id}", amount, fee),
            occurred_at=house.now,
        )
        await house.do(record_payment(house.envelope(), known, fact))
        self.settled.append(id)
        self.at_providers[provider] += amount.units - fee

    async def refund(self) -> None:
        """Pay a deposit back, in part; one in four fails."""
        house = self.house
        known = await self._any_deposit()
        if known is None:
            return
        id = RefundId(house.next_id("refund"))
        amount = Amount(max(1, known.amount.units // 3), known.amount.asset)
        if await house.do(request_refund(house.envelope(), id, of=known, amount=amount)) is None:
            return
        refund = await find_refund(house.committer, house.tenant, id)
        if house.chance.random() < 1 / 4:
            await house.do(record_refund_refusal(house.envelope(), refund, "expired_card"))
            return
        fact = RefundFact(
            provider=refund.provider,
            id=f"re_{id}",
            tenant=house.tenant,
            refund=id,
            payment=refund.payment,
            status=RefundStatus.SUCCEEDED,
            amount=amount,
            movement=_line(f"txn_{id}", amount, 0),
            occurred_at=house.now,
        )
        await house.do(record_refund(house.envelope(), refund, fact))
        self.at_providers[refund.provider] -= amount.units

    async def dispute(self) -> None:
        """Let a payer's bank take a deposit back, with a fee that is ours."""
        house = self.house
        known = await self._any_deposit()
        if known is None or known.payment is None:
            return
        self.settled.remove(known.deposit)
        fact = DisputeFact(
            provider=known.provider,
            id=f"dp_{known.deposit}",
            tenant=house.tenant,
            deposit=known.deposit,
            payment=known.payment,
            status=DisputeStatus.OPEN,
            amount=known.amount,
            taken=_line(f"txn_taken_{known.deposit}", known.amount, DISPUTE_FEE),
            occurred_at=house.now,
        )
        waiting = [await find_withdrawal(house.committer, house.tenant, one) for one in self.under_way]
        mine = [one for one in waiting if one.user == known.user and one.status.value == "requested"]
        if await house.do(record_dispute(house.envelope(), known, fact, withdrawals=mine)) is not None:
            self.disputed.append((known.deposit, fact))
            self.at_providers[known.provider] -= known.amount.units + DISPUTE_FEE

    async def decide_dispute(self) -> None:
        """Win or lose the oldest dispute."""
        if not self.disputed:
            return
        house = self.house
        id, fact = self.disputed.pop(0)
        won = house.chance.random() < 1 / 2
        back = _line(f"txn_back_{id}", fact.amount, DISPUTE_FEE) if won else None
        status = DisputeStatus.WON if won else DisputeStatus.LOST
        said = DisputeFact(
            provider=fact.provider,
            id=fact.id,
            tenant=fact.tenant,
            deposit=id,
            payment=fact.payment,
            status=status,
            amount=fact.amount,
            taken=fact.taken,
            returned=back,
            occurred_at=house.now,
        )
        known = await find_deposit(house.committer, house.tenant, id)
        if await house.do(record_dispute(house.envelope(), known, said)) is not None and won:
            self.at_providers[fact.provider] += fact.amount.units + DISPUTE_FEE

    async def pay_out(self) -> None:
        """Let every provider send most of what it holds to our bank; what is under way arrives, or fails."""
        for fact in self.travelling:
            await self._arrive(fact)
        self.travelling = []
        for provider, asset in PROVIDERS.items():
            units = self.at_providers[provider] * 9 // 10
            if units <= 0:
                continue
            id = self.house.next_id("payout")
            fact = self._payout(provider, id, Amount(units, asset), status=PayoutStatus.IN_TRANSIT)
            await self.house.do(record_payout(self.house.envelope(), fact, bank="main"))
            self.at_providers[provider] -= units
            self.travelling.append(fact)

    async def _arrive(self, fact: PayoutFact) -> None:
        failed = self.house.chance.random() < 1 / 20
        status = PayoutStatus.FAILED if failed else PayoutStatus.ARRIVED
        said = self._payout(fact.provider, fact.id, fact.amount, status=status)
        await self.house.do(record_payout(self.house.envelope(), said, bank="main"))
        self.at_providers[fact.provider] += fact.amount.units if failed else 0

    def _payout(self, provider: str, id: str, amount: Amount, *, status: PayoutStatus) -> PayoutFact:
        movement = _line(f"txn_{id}", amount, 0)
        reason = "account_closed" if status is PayoutStatus.FAILED else None
        return PayoutFact(
            provider=provider, id=id, status=status, amount=amount, movement=movement, reason=reason,
            occurred_at=self.house.now,
        )  # fmt: skip

    async def receive(self) -> None:
        """Let money come to our bank that nobody knows, and find out whose the last one was."""
        house = self.house
        if self.unidentified:
            stream = streams.receipt(house.tenant, self.unidentified.pop())
            known = (await house.committer.state(stream)).state
            assert isinstance(known, Receipt), "it was recorded"
            await house.do(identify_receipt(house.envelope(), known, user=house.chance.choice(house.users)))
        id = ReceiptId(house.next_id("receipt"))
        amount = Amount(house.cents(50_00, 400_00), USD)
        receipt = RecordReceipt(
            receipt=id, bank="main", line=id, amount=amount, by=ACTOR, occurred_at=house.now
        )  # fmt: skip
        await house.do(record_receipt(house.envelope(), receipt))
        self.unidentified.append(id)

    async def transfer(self) -> None:
        """Let somebody send somebody else money."""
        house = self.house
        sender, recipient = house.chance.sample(house.users, 2)
        id, amount = TransferId(house.next_id("transfer")), Amount(house.cents(1_00, 80_00), USD)
        await house.do(make_transfer(house.envelope(actor=sender), id, recipient, amount=amount, note=""))

    async def record_rates(self, day: int) -> None:
        """Record what currencies and coins are worth on a day."""
        wave = (day * 37) % 101
        for base, quote, micros in (
            ("USD", "BRL", 5_300_000 + wave * 1_731),
            ("BRL", "USD", 188_700 - wave * 61),
            ("EUR", "USD", 1_080_000 + wave * 313),
        ):
            price = Amount(micros * 10 ** (PRICE_SCALE - 6), asset_of(quote, PRICE_SCALE))
            await self.house.do(
                record_rate(self.house.envelope(), base, price, source="ecb", occurred_at=self.house.now)
            )

    async def exchange(self) -> None:
        """Let somebody exchange dollars for reais."""
        house = self.house
        user, id = house.chance.choice(house.users), QuoteId(house.next_id("quote"))
        sold, good = Amount(house.cents(5_00, 60_00), USD), house.now + timedelta(seconds=30)
        asked = ask_for_quote(house.envelope(actor=user), id, sold, bought=BRL, costs=COSTS, expires_at=good)
        if await house.do(asked) is None:
            return
        known = (await house.committer.state(streams.quote(house.tenant, id))).state
        assert isinstance(known, Quote), "it was asked for"
        if await house.do(accept_quote(house.envelope(actor=user), known)) is not None:
            self.open_base += sold.units

    async def cover(self) -> None:
        """Sell our open dollars at the bank."""
        if self.open_base < A_DOLLAR:
            return
        sold = Amount(self.open_base * 2 // 3, USD)
        received = Amount(sold.units * self.house.chance.randint(5_350, 5_450) // 1_000, BRL)
        entry = EntryId(self.house.next_id("cover"))
        if await self.house.do(cover(self.house.envelope(), entry, bank="main", sold=sold, received=received)):
            self.open_base -= sold.units

    async def withdraw(self) -> None:
        """Let somebody ask for money at the bank."""
        house = self.house
        user = house.chance.choice(house.users)
        if user not in self.destinations:
            id = DestinationId(house.next_id("destination"))
            add = AddDestination(
                destination=id, user=user, kind=Kind.IBAN, asset="USD", occurred_at=house.now, usable_from=house.now
            )
            await house.do(add_destination(house.envelope(actor=user), add))
            self.destinations[user] = id
        id_of = WithdrawalId(house.next_id("withdrawal"))
        terms = terms_of(DEFAULTS, USD, requests_per_day=10, withholding_bps=0)
        asked = request_withdrawal(
            house.envelope(actor=user), id_of, user=user, destination=self.destinations[user],
            bucket=Bucket.REAL, amount=Amount(house.cents(12_00, 300_00), USD), terms=terms,
        )  # fmt: skip
        if await house.do(asked) is not None:
            self.under_way.append(id_of)

    async def handle_withdrawals(self) -> None:
        """Approve what was asked for, pay what was approved; some are taken back, refused, or fail at the bank."""
        ids, self.under_way = self.under_way, []
        for id in ids:
            known = await find_withdrawal(self.house.committer, self.house.tenant, id)
            if await self._handle(known):
                self.under_way.append(id)

    async def _handle(self, known: Withdrawal) -> bool:
        house, fate = self.house, self.house.chance.random()
        if known.status.value == "requested":
            if fate < CANCELLED:
                await house.do(cancel_withdrawal(house.envelope(actor=known.user), known))
            elif fate < REJECTED:
                await house.do(reject_withdrawal(house.envelope(), known, reason="documents"))
            else:
                return await house.do(approve_withdrawal(house.envelope(), known)) is not None
        elif known.status.value == "approved":
            if fate < WAITS:
                return True
            if fate < FAILED:
                charge = Charge(amount=Amount(1_00, USD), bank="main")
                await house.do(fail_withdrawal(house.envelope(), known, reason="account closed", charge=charge))
            else:
                await house.do(pay_withdrawal(house.envelope(), known, bank="main", reference=known.withdrawal[:12]))
                return fate > RETURNED
        elif known.status.value == "paid":
            await house.do(return_withdrawal(house.envelope(), known, reason="unknown account"))
        return False

    async def _any_deposit(self) -> Deposit | None:
        if not self.settled:
            return None
        return await find_deposit(self.house.committer, self.house.tenant, self.house.chance.choice(self.settled))


def _line(id: str, gross: Amount, fee: int) -> BalanceMovement:
    return BalanceMovement(id=id, settled=gross, fee=Amount(fee, gross.asset))
