"""Withdrawals, their queue, destinations and proposals, as queries answer them after the real commands."""

from datetime import timedelta

import pytest

from application.destinations import remove_destination
from application.proposals import expire_proposal, find_proposal, reject_proposal
from application.withdrawals import approve_withdrawal, cancel_withdrawal, pay_withdrawal, return_withdrawal
from domain.destinations import Kind, RemoveDestination
from domain.ids import DestinationId, UserId
from domain.proposals import Status as ProposalStatus
from domain.users import Role
from domain.withdrawals.errors import UnknownWithdrawal
from domain.withdrawals.terms import Status
from projections import destinations, proposals, withdrawals
from projections.withdrawals import WaitsFor
from tests.projections import cashier
from tests.projections.house import USD, House, projections_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def house(house: House) -> House:
    await house.open("acme")
    return house


async def caught_up(house: House) -> None:
    async with projections_of(house.urls):
        await house.caught_up()


async def test_a_withdrawal_is_shown_with_its_net_its_history_and_its_end(house: House) -> None:
    ana, to = await ana_with_destination(house)
    known = await cashier.withdrawal(house, ana, to)
    await house.do(approve_withdrawal(house.envelope(), known))
    await house.do(pay_withdrawal(house.envelope(), known, bank="main", reference="B 17"))
    await house.do(return_withdrawal(house.envelope(), known, reason="account closed"))
    await caught_up(house)
    async with house.reading() as connection:
        one, steps = (await withdrawals.get_withdrawal(connection, known.withdrawal)).value
        with pytest.raises(UnknownWithdrawal):
            await withdrawals.get_withdrawal(connection, "0" * 32)
    assert (one.user, one.destination, one.rail, one.amount, one.fee, one.net) == (
        ana, to, Kind.IBAN, USD.amount(5_000), USD.amount(200), USD.amount(4_800),
    )  # fmt: skip
    assert (one.status, one.reason, one.bank_reference) == (Status.RETURNED, "account closed", "B 17")
    assert [step.status.value for step in steps] == ["requested", "approved", "paid", "returned"]
    assert [step.actor for step in steps] == [ana, "cli:test", "cli:test", "cli:test"]


async def test_the_queue_is_what_waits_oldest_first_and_pages(house: House) -> None:
    ana, to = await ana_with_destination(house)
    made = [await cashier.withdrawal(house, ana, to) for _ in range(5)]
    coins = await cashier.withdrawal(house, ana, await cashier.destination(house, ana, kind=Kind.CRYPTO))
    await house.do(cancel_withdrawal(house.envelope(actor=ana), made[0]))
    for one in (made[2], coins):
        await house.do(approve_withdrawal(house.envelope(), one))
    await caught_up(house)
    async with house.reading() as connection:
        first = await withdrawals.list_queue(connection, limit=3)
        rest = await withdrawals.list_queue(connection, limit=3, cursor=first.next_cursor)
        approval = await withdrawals.list_queue(connection, waits_for=WaitsFor.APPROVAL, limit=9)
        by_bank = await withdrawals.list_queue(connection, waits_for=WaitsFor.PAYMENT, asset="USD", limit=9)
        to_send = await withdrawals.list_to_send(connection, "USD", limit=9)
        other_asset = await withdrawals.list_queue(connection, asset="BRL", limit=9)
        own = await withdrawals.list_withdrawals(connection, user=ana, status=Status.CANCELLED, limit=9)
    shown = [one.id for one in (*first.items, *rest.items)]
    assert shown == [one.withdrawal for one in (*made[1:], coins)]
    assert rest.next_cursor is None
    assert [one.id for one in approval.items] == [made[n].withdrawal for n in (1, 3, 4)]
    assert [one.id for one in by_bank.items] == [made[2].withdrawal, coins.withdrawal]
    assert to_send == [made[2].withdrawal]
    assert other_asset.items == ()
    assert [one.id for one in own.items] == [made[0].withdrawal]


async def test_files_for_the_bank_have_their_totals_and_what_is_in_one_waits_for_no_other(house: House) -> None:
    ana, to = await ana_with_destination(house)
    made = [await cashier.payout_file(house, ana, to) for _ in range(2)]
    await caught_up(house)
    async with house.reading() as connection:
        page = await withdrawals.list_payout_files(connection, limit=1)
        rest = await withdrawals.list_payout_files(connection, limit=1, cursor=page.next_cursor)
        assert await withdrawals.list_to_send(connection, "USD", limit=9) == []
        shown = (await withdrawals.list_withdrawals(connection, user=ana, limit=9)).items
    files = [*page.items, *rest.items]
    assert [(one.id, one.payments, one.total) for one in files] == [(id, 1, USD.amount(4_800)) for id in made[::-1]]
    assert [one.payout_file for one in shown] == made[::-1]
    assert rest.next_cursor is None


async def test_a_removed_destination_is_not_listed(house: House) -> None:
    ana, kept = await ana_with_destination(house)
    gone = await cashier.destination(house, ana, kind=Kind.PIX)
    await house.do(
        remove_destination(house.envelope(actor=ana), gone, RemoveDestination(user=ana, occurred_at=house.now))
    )
    await caught_up(house)
    async with house.reading() as connection:
        page = await destinations.list_destinations(connection, user=ana, limit=9)
        nobodys = await destinations.list_destinations(connection, user="0" * 32, limit=9)
    assert [(one.id, one.kind) for one in page.items] == [(kept, Kind.IBAN)]
    assert nobodys.items == ()


async def test_proposals_are_listed_by_what_became_of_them(house: House) -> None:
    ana, to = await ana_with_destination(house)
    large = [await cashier.withdrawal(house, ana, to, cents=60_000) for _ in range(3)]
    made = [await cashier.proposal(house, one) for one in large]
    second = await house.user("second", roles=(Role.MANAGER,))
    known = await find_proposal(house.committer, "acme", made[0])
    await house.do(reject_proposal(house.envelope(actor=second), known, reason="unclear"))
    late = house.now + timedelta(hours=25)
    before, house.now = house.now, late
    await house.do(expire_proposal(house.envelope(), made[1]))
    await caught_up(house)
    async with house.reading() as connection:
        everything = await proposals.list_proposals(connection, now=before, limit=9)
        still_open = await proposals.list_proposals(connection, now=before, status=ProposalStatus.OPEN, limit=9)
        in_time = await proposals.list_proposals(connection, now=late, status=ProposalStatus.OPEN, limit=9)
        too_late = await proposals.list_proposals(connection, now=late, status=ProposalStatus.EXPIRED, limit=9)
    assert [one.id for one in everything.items] == made[::-1]
    assert [one.id for one in still_open.items] == [made[2]]
    assert in_time.items == ()
    assert [one.id for one in too_late.items] == [made[2], made[1]]
    rejected = everything.items[2]
    assert (rejected.status, rejected.decided_by, rejected.reason) == (ProposalStatus.REJECTED, second, "unclear")
    assert (rejected.act, rejected.subject) == ("approve_withdrawal", large[0].withdrawal)
    assert (everything.items[1].status, everything.items[1].decided_by) == (ProposalStatus.EXPIRED, None)


async def ana_with_destination(house: House) -> tuple[UserId, DestinationId]:
    ana = await house.user("ana")
    return ana, await cashier.destination(house, ana)
