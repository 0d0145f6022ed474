"""Invariant 9: whatever happens, the leaves of the trees come to users + payable of the general ledger, per asset."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.codec import decode
from application.evidence.liabilities import Holdings, add_to, cut_of
from application.evidence.liability_cuts import take_cut
from interfaces.postgres.configuration import Urls
from interfaces.postgres.connections import pool
from tests.application.outcomes import together
from tests.application.world import TENANT, committing, reading
from tests.interfaces.audit.sealing import KEYS
from tests.properties.invariants import Ledger
from tests.properties.moves import FOUNDATION, Company

MOVES = 60
CHANGES = st.lists(
    st.tuples(st.sampled_from(("acme", "zenith")), st.sampled_from("abcdefg"), st.sampled_from(("USD/2", "BTC/18", "")),
        st.integers(0, 10**30)), max_size=60,
)  # fmt: skip


def owed(ledger: Ledger) -> dict[str, int]:
    """Return users + payable by asset, on their normal side."""
    sums = Counter[str]()
    for (account, asset), units in ledger.balances.items():
        if account.startswith(("liabilities:users:", "liabilities:withdrawals:payable:")):
            sums[asset] -= units
    return {asset: units for asset, units in sums.items() if units}


@pytest.mark.anyio
@pytest.mark.parametrize("seed", [3, 4])
async def test_at_the_end_of_any_append_of_any_history_leaves_come_to_users_and_payable(
    seed: int, database: Urls
) -> None:
    async with committing(database) as committer, reading(database) as store:
        for one in FOUNDATION:
            await committer.submit(one)
        company = Company(Random(seed))
        for _ in company.live(MOVES):
            await together(committer, *company.asked)
            company.asked.clear()
        log = (await store.read_after(0, limit=100_000)).events
    ledger, append, seen = Ledger(), [], Counter[str]()
    async with pool(database.app, name="test", size=1) as source, source.connection() as connection:
        for recorded in log:
            append.append((recorded.stream, decode(recorded.name, recorded.state)))
            if not recorded.ends_append:
                continue
            ledger.take(append)
            append = []
            async with connection.transaction():
                cut = await take_cut(connection, KEYS, log_position=recorded.log_position)
            trees = {tree.tenant: tree for tree in cut.trees}
            leaves = Counter[str]()
            for leaf in trees[TENANT].owed if TENANT in trees else ():
                assert all(units > 0 for units in leaf.sums.values())
                leaves.update(leaf.sums)
            assert {unit.partition("/")[0]: units for unit, units in leaves.items()} == owed(ledger)
            assert TENANT not in trees or trees[TENANT].root.sums == dict(leaves)
            seen.update(account.split(":")[1] for account, _ in ledger.balances if account.startswith("liabilities:"))
    assert seen["users"]
    assert seen["withdrawals"], "something was payable"


@settings(max_examples=150, deadline=None)
@given(CHANGES)
def test_the_root_is_the_sum_of_whatever_was_added(changes: list[tuple[str, str, str, int]]) -> None:
    holdings: Holdings = {}
    add_to(holdings, changes)
    cut = cut_of(holdings, KEYS, log_position=7)
    sums: dict[str, Counter[str]] = {tenant: Counter() for tenant, *_ in changes}
    for tenant, _, unit, units in changes:
        if unit and units:
            sums[tenant][unit] += units
    assert {tree.tenant: dict(tree.root.sums) for tree in cut.trees} == {t: dict(of) for t, of in sums.items()}
    assert {(tree.tenant, one.user) for tree in cut.trees for one in tree.owed} == {change[:2] for change in changes}
    assert cut_of({t: dict(reversed(held.items())) for t, held in holdings.items()}, KEYS, log_position=7) == cut
