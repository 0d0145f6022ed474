"""Trees of what is owed come to the ledger's users and payable, at any moment; what is changed in them is found."""

from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace

import pytest

from application.evidence.checkpoints import Checkpoint
from application.evidence.liabilities import Branch, Cut
from application.evidence.liability_cuts import BranchBroken, find_branch, take_cut
from application.evidence.trees import TILE
from application.users import register_user
from domain.ids import SubjectId, UserId
from domain.liabilities.sums import Sums
from domain.users import RegisterUser, Role, Status
from interfaces.audit.liabilities import check_liabilities
from interfaces.audit.snapshot import open_snapshot
from interfaces.postgres.vault_crypto import VaultKeys
from tests.interfaces.audit.forgery import Books, entry, forge, positions_of
from tests.interfaces.audit.sealing import KEYS, evidence, found_under_seal, seal
from tests.interfaces.audit.test_evidence_checks import tamper_anything
from tests.projections.house import BANK, House, name, wallet

pytestmark = pytest.mark.anyio

CHECK = "liabilities"
OTHER_KEYS = VaultKeys.derive(b"another master key of tests, ok.")

# Written with the words of ACCOUNTING, and with nothing of what makes the trees.
LEDGER = """
    SELECT e.tenant, line ->> 'asset', sum((line ->> 'amount')::numeric)::text
    FROM log.events AS e, json_array_elements(convert_from(e.state, 'UTF8')::json -> 'entry' -> 'postings') AS line
    WHERE e.topic = 'ledger.entry_posted.v1' AND e.notification_id <= %s
        AND line ->> 'account' ~ '^liabilities:(users|withdrawals:payable):'
    GROUP BY 1, 2 HAVING sum((line ->> 'amount')::numeric) <> 0
"""


async def cut_at(house: House, log_position: int, *, keys: VaultKeys = KEYS) -> Cut:
    async with house.app.connection() as connection, connection.transaction():
        return await take_cut(connection, keys, log_position=log_position)


async def branch_of(house: House, user: str, *, tenant: str = "acme", keys: VaultKeys = KEYS) -> Branch | None:
    async with house.reading(tenant) as connection:
        return await find_branch(connection, keys, tenant=tenant, user=user)


async def held_by(house: House, user: str) -> Branch:
    branch = await branch_of(house, user)
    assert branch is not None
    return branch


def signed(note: str) -> Checkpoint:
    return Checkpoint.parse(note.partition("\n\n")[0] + "\n")


def shown(sums: Sums) -> dict[str, str]:
    """Return sums as the ledger writes them: credit negative, with all decimals."""
    texts = {}
    for unit, units in sums.items():
        code, scale = unit.split("/")
        digits = str(units).zfill(int(scale) + 1)
        texts[code] = f"-{digits[: -int(scale)]}.{digits[-int(scale) :]}"
    return texts


async def test_at_the_end_of_every_append_the_trees_come_to_users_and_payable(books: Books) -> None:
    """Invariant 9, from the log alone and, every third time, from the cut before."""
    house, seen = books.house, Counter[str]()
    for (end,) in await house.execute(
        "SELECT notification_id FROM log.events WHERE append_index = append_size ORDER BY notification_id"
    ):
        cut = await cut_at(house, end)
        ledger: dict[str, dict[str, str]] = {}
        for tenant, asset, amount in await house.execute(LEDGER, end):
            ledger.setdefault(tenant, {})[asset] = amount
        assert {each.tenant: shown(each.root.sums) for each in cut.trees if each.root.sums} == ledger, end
        seen.update(asset for sums in ledger.values() for asset in sums)
    assert await positions_of(house, "withdrawal.approved.v1"), "something was payable"
    assert seen.keys() == {"USD", "BRL"}


async def test_the_same_log_position_gives_the_same_root_from_the_log_and_from_the_cut_before(books: Books) -> None:
    house = books.house
    first = await seal(house)
    await house.deposit(books.bob, 123)
    await house.user("eve")
    second = signed(await seal(house))
    assert (await cut_at(house, second.events.size)).root == second.liabilities, "made of the cut before"
    tamper_anything(house.urls, "DELETE FROM evidence.liability_tiles")
    assert (await cut_at(house, second.events.size)).root == second.liabilities, "made of the log alone"
    assert (await cut_at(house, signed(first).events.size)).root == signed(first).liabilities
    assert (await cut_at(house, second.events.size, keys=OTHER_KEYS)).root != second.liabilities


async def test_a_checkpoint_of_before_there_were_trees_is_read_as_ever(books: Books) -> None:
    """The text is that of docs/evidence.md before this line was added."""
    old = (
        "lastro-483804bb62b7e561\n20\nnBrbj/PW8RScJg1lMF49s5XOxFhN4tlLLJ+lV5A2lj0=\n"
        "receipts 19 0EED5ght64B8s1SQuC5yepCgwypuy2bQC62TRaLdyg0=\n"
        "chain nIHmics6jJqrhVM52D8L1vpjM2V18Z8acT/f6i3w/U0= xcpOCObgPtSoqXPOp5Fq+JMph9eUYBKhwr/I3h0S9v4=\n"
        "time 2026-11-20T23:33:28.764783Z\n"
    )
    parsed = Checkpoint.parse(old)
    assert (parsed.text, parsed.liabilities) == (old, None)
    with_trees = replace(parsed, liabilities=bytes(range(32)))
    assert Checkpoint.parse(with_trees.text) == with_trees
    house = books.house
    await evidence(house, liabilities=False).seal()
    assert await branch_of(house, books.ana) is None
    assert found_under_seal(house.urls) == set()
    await evidence(house).seal()
    assert found_under_seal(house.urls) == set()
    assert (await held_by(house, books.ana)).sums == {"USD/2": 5_000}
    await evidence(house).seal()
    assert await house.execute("SELECT checkpoint FROM evidence.liabilities") == [(2,)], "nothing new is owed"


async def test_everybody_has_a_branch_also_who_is_owed_nothing(books: Books) -> None:
    house = books.house
    head = await house.store.head()
    note = await seal(house)
    ((users,),) = await house.execute("SELECT count(*) FROM log.events WHERE topic = 'user.registered.v1'")
    assert (await held_by(house, books.bob)).sums == {}
    for label in ("ana", "bob", "carol", "dora"):
        branch = await held_by(house, name("user", "acme", label))
        root, over_all = branch.root
        assert (branch.size, branch.log_position, branch.checkpoint) == (users, head, note)
        assert (over_all, root.sums) == (signed(note).liabilities, (await held_by(house, books.ana)).root[0].sums)
        assert Branch.read(branch.data) == branch
    late = await house.user("late")
    assert await branch_of(house, late) is None, "who came later is in the next tree"
    assert await branch_of(house, "0" * 32) is None


async def test_nobody_can_guess_a_leaf_and_neighbours_change_from_tree_to_tree(books: Books) -> None:
    house = books.house
    await seal(house)
    first = {user: await held_by(house, user) for user in (books.ana, books.bob)}
    await house.deposit(books.bob, 1)
    await seal(house)
    second = {user: await held_by(house, user) for user in (books.ana, books.bob)}
    drawn = [branch.nonce for branches in (first, second) for branch in branches.values()]
    assert len({*drawn}) == 4, "one for each user and tree"
    assert all(len(nonce) == 32 for nonce in drawn)
    assert KEYS.liability_nonce("acme", books.ana, log_position=1) != KEYS.liability_nonce(
        "zenith", books.ana, log_position=1
    )
    for table in ("log.events", "log.receipts", "evidence.liabilities", "evidence.liability_tiles"):
        for nonce in drawn:
            found = await house.execute(f"SELECT 1 FROM {table} AS t WHERE position(%s IN t::text) > 0", nonce.hex())  # noqa: S608 - names of the line above
            assert not found, table
    positions = [await cut_at(house, at) for at in (70, 80, 90)]
    orders = [[one.user for one in cut.trees[0].owed] for cut in positions]
    assert len({tuple(user for user in order if user in orders[0]) for order in orders}) > 1


async def test_a_branch_shows_of_others_the_sums_beside_it_and_nothing_else(books: Books) -> None:
    house = books.house
    await seal(house)
    branch = await held_by(house, books.ana)
    text = str(branch.data)
    others = [user for (user,) in await house.execute(
        "SELECT convert_from(state, 'UTF8')::json ->> 'user' FROM log.events WHERE topic = 'user.registered.v1'"
    ) if user != books.ana]  # fmt: skip
    assert others
    assert not any(user in text for user in others)
    assert len(branch.path) <= (branch.size - 1).bit_length()


async def test_tenants_are_apart(books: Books) -> None:
    house = books.house
    await house.open("zenith")
    stranger = UserId(name("user", "zenith", "zoe"))
    command = RegisterUser(user=stranger, subject=SubjectId(stranger), roles=(Role.TRADER,), status=Status.ACTIVE)
    await house.do(register_user(house.envelope(tenant="zenith"), command, email_hmac=stranger))
    note = await seal(house)
    ana, zoe = await held_by(house, books.ana), await branch_of(house, stranger, tenant="zenith")
    assert zoe is not None
    assert (zoe.size, zoe.path, zoe.sums) == (1, (), {})
    assert ana.root[1] == zoe.root[1] == signed(note).liabilities
    assert "zenith" not in str(ana.data)
    assert "acme" not in str(zoe.data)
    assert await branch_of(house, stranger) is None
    assert await branch_of(house, books.ana, tenant="zenith") is None
    async with house.reading("zenith") as connection:
        assert await find_branch(connection, KEYS, tenant="acme", user=books.ana) is None, "row-level security"
    assert replace(zoe, tenant="acme").root[1] != signed(note).liabilities
    assert found_under_seal(house.urls) == set()


async def test_a_tree_of_several_tiles_gives_every_branch(books: Books) -> None:
    house = books.house
    users = [await house.user(f"user {number}") for number in range(TILE + 3)]
    for number, user in enumerate(users[::10], start=1):
        await house.deposit(user, number)
    note = await seal(house)
    for user in (users[0], users[10], users[-1], books.ana):
        branch = await held_by(house, user)
        assert branch.root[1] == signed(note).liabilities
    places = {(await held_by(house, user)).index for user in users}
    assert len(places) == len(users)
    assert found_under_seal(house.urls) == set()


async def test_old_trees_are_forgotten_but_the_one_before_and_what_was_signed_stays(books: Books) -> None:
    for cents in (1, 2, 3):
        await books.house.deposit(books.bob, cents)
        await seal(books.house)
    stored = "SELECT DISTINCT checkpoint FROM evidence.{} ORDER BY checkpoint"
    assert await books.house.execute(stored.format("liabilities")) == [(1,), (2,), (3,)]
    assert await books.house.execute(stored.format("liability_tiles")) == [(2,), (3,)]


async def test_whoever_is_owed_less_than_nothing_stops_the_trees_and_not_the_seals(books: Books) -> None:
    house = books.house
    await seal(house)
    payable = f"liabilities:withdrawals:payable:{books.bob}"
    forged = entry((payable, "1.00 USD"), ("assets:bank:client:main", "-1.00 USD"), now=house.now)
    await forge(house, ("acme:book-house-2026-01", forged))
    note = await seal(house)
    assert signed(note).events.size == await house.store.head(), "the log is sealed"
    assert signed(note).liabilities is None
    assert (await held_by(house, books.bob)).checkpoint != note
    await house.post((BANK, 300), (wallet(books.bob), -300))
    assert signed(await seal(house)).liabilities is not None, "it goes on when it is mended"


# What is changed behind the database's back, and where it is found

TAMPERINGS: Mapping[str, tuple[str, ...]] = {
    "a sum": ("UPDATE evidence.liabilities SET sums = '{\"USD/2\": 1}'",),
    "the number of users": ("UPDATE evidence.liabilities SET users = users - 1",),
    "a root": ("UPDATE evidence.liabilities SET root = sha256('')",),
    "a log position": ("UPDATE evidence.liabilities SET log_position = log_position - 1",),
    "a path": ("UPDATE evidence.liabilities SET path = '{\"3\": \"00\"}'",),
    "a tree that is gone": ("DELETE FROM evidence.liability_tiles", "DELETE FROM evidence.liabilities"),
    "somebody left out of a tile": (
        "UPDATE evidence.liability_tiles SET leaves = (leaves::jsonb - '{ana}')::json",
    ),
    "what somebody is owed": (
        "UPDATE evidence.liability_tiles SET leaves = replace(leaves::text, '5000', '4000')::json",
    ),
    "somebody made up": (
        "UPDATE evidence.liability_tiles SET leaves = (leaves::jsonb || '{\"made up\": {\"USD/2\": 1}}')::json",
    ),
    "a tile's hash": ("UPDATE evidence.liability_tiles SET hash = sha256('')",),
}  # fmt: skip


@pytest.mark.parametrize("what", TAMPERINGS)
async def test_a_change_of_the_trees_behind_the_databases_back_is_found(books: Books, what: str) -> None:
    house = books.house
    head = await house.store.head()
    await seal(house)
    assert found_under_seal(house.urls) == set()
    tamper_anything(house.urls, *(text.replace("{ana}", books.ana) for text in TAMPERINGS[what]))
    assert (CHECK, head) in found_under_seal(house.urls)


async def test_no_branch_is_given_of_a_tree_that_was_changed(books: Books) -> None:
    house = books.house
    await seal(house)
    tamper_anything(house.urls, "UPDATE evidence.liability_tiles SET leaves = replace(leaves::text, '5000', '4')::json")
    with pytest.raises(BranchBroken):
        await branch_of(house, books.ana)
    await house.deposit(books.bob, 100)
    await seal(house)
    assert (await held_by(house, books.ana)).sums == {"USD/2": 5_000}, "the next cut is made of the log"


async def test_an_operator_who_signs_for_less_than_is_owed_is_found_by_the_ledger(books: Books) -> None:
    """Everything fits together, signature and all, but not with the ledger: here by a vault key that is not ours."""
    house = books.house
    await evidence(house, keys=OTHER_KEYS).seal()
    assert {check for check, _ in found_under_seal(house.urls)} == {CHECK}


async def test_without_the_vaults_key_sums_and_leaves_are_still_compared(books: Books) -> None:
    await seal(books.house)
    with closing(open_snapshot(books.house.urls.projector)) as snapshot:
        tally = check_liabilities(snapshot)[CHECK]
    assert (tally.found, tally.counts["trees"]) == (0, 1)
    assert tally.counts["trees not made again for want of the vault's key"] == 1
    tamper_anything(
        books.house.urls, "UPDATE evidence.liability_tiles SET leaves = replace(leaves::text, '5000', '4')::json"
    )
    with closing(open_snapshot(books.house.urls.projector)) as snapshot:
        assert check_liabilities(snapshot)[CHECK].found == 1
