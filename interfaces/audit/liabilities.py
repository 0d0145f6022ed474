"""Trees of what is owed to users, against the entries of the log and against what was signed (invariant 9).

What is owed is added up a second time here, naively, from the stored JSON. The trees are made again from that sum where
the vault's key is at hand: all leaves of the last one; of those before the number of users, the sums and the signature.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json

from application.evidence.checkpoints import Checkpoint, NoCheckpoint
from application.evidence.liabilities import cut_of
from application.ports import Nonces
from domain.liabilities.sums import NoLiability, Sums
from domain.liabilities.tenants import paths_of, tenant_leaf
from domain.liabilities.tree import Node
from interfaces.audit.findings import EVERYBODY, NOBODY, UNREADABLE, Tallies, Tally
from interfaces.audit.scope import WHOLE, Scope
from interfaces.audit.snapshot import Connection, portions, rows

CHECKS = ("liabilities",)

_CUTS = r"SELECT number, note FROM evidence.checkpoints WHERE note LIKE E'%%\nliabilities %%' ORDER BY number"
_TREES = """
    SELECT checkpoint, tenant, log_position, users, root, sums, path FROM evidence.liabilities
    ORDER BY checkpoint, tenant
"""
_TILES = """
    SELECT tenant, hash, leaves FROM evidence.liability_tiles WHERE checkpoint = %s ORDER BY tenant, tile
"""
_EVENTS = """
    SELECT notification_id, tenant, topic, state FROM log.events
    WHERE notification_id > %s AND notification_id <= %s AND (
        starts_with(topic, 'user.registered.')
        OR (starts_with(topic, 'ledger.entry_posted.') AND position('liabilities:'::bytea IN state) > 0)
    ) ORDER BY notification_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTree:
    """What is stored of the tree of one tenant under one checkpoint."""

    tenant: str
    log_position: int
    users: int
    root: Node
    path: Mapping[str, str]

    @property
    def leaf(self) -> bytes:
        """Its leaf in the tree of tenants."""
        return tenant_leaf(self.tenant, users=self.users, root=self.root)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCut:
    """A checkpoint that was signed for trees, and the trees that are stored for it."""

    number: int
    signed: Checkpoint
    trees: Sequence[StoredTree]


@dataclass(slots=True)
class _Owed:
    """What is owed, added up on the way through the log: by tenant and user, and by tenant."""

    users: dict[str, dict[str, dict[str, int]]] = field(default_factory=lambda: defaultdict(dict))
    sums: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))

    def take(self, fact: Mapping[str, Any], tenant: str, topic: str) -> None:
        """Add a registration or an entry."""
        if topic.startswith("user."):
            self.users[tenant].setdefault(fact["user"], {})
            return
        for line in fact["entry"]["postings"]:
            match line["account"].split(":"):
                case ["liabilities", "users", user, *_] | ["liabilities", "withdrawals", "payable", user]:
                    whole, _, decimals = line["amount"].partition(".")
                    unit, units = f"{line['asset']}/{len(decimals)}", -int(whole + decimals)
                    for sums in (self.users[tenant].setdefault(user, {}), self.sums[tenant]):
                        sums[unit] = sums.get(unit, 0) + units
                case _:
                    pass

    def by_user(self, tenant: str) -> dict[str, Sums]:
        """Return what each user of a tenant is owed, without zeros."""
        return {user: _without_zeros(sums) for user, sums in self.users[tenant].items()}


def check_liabilities(connection: Connection, *, nonces: Nonces | None = None, scope: Scope = WHOLE) -> Tallies:
    """Compare every cut with the log at its position, and with its signature."""
    tallies = Tallies.of(scope)
    with tallies.timed("liabilities") as tally:
        cuts, owed, behind = stored_cuts(connection, tally), _Owed(), 0
        for cut in cuts:
            if cut.signed.events.size > scope.upto:
                return tallies
            for portion in portions(connection, _EVENTS, behind, cut.signed.events.size):
                for position, tenant, topic, state in portion:
                    try:
                        owed.take(from_json(state), tenant, topic)
                    except UNREADABLE as error:
                        tally.find(position, f"it cannot be read: {error!r}")
            _check_cut(cut, owed, tally)
            behind = cut.signed.events.size
        if cuts:
            _check_leaves(connection, cuts[-1], owed, tally=tally, nonces=nonces)
    return tallies


def stored_cuts(connection: Connection, tally: Tally) -> list[StoredCut]:
    """Read what is stored of all cuts; trees that no checkpoint was signed for are a finding."""
    trees: dict[int, list[StoredTree]] = defaultdict(list)
    for checkpoint, tenant, log_position, users, root, sums, path in rows(connection, _TREES):
        tree = StoredTree(tenant=tenant, log_position=log_position, users=users, root=Node(root, sums), path=path)
        trees[checkpoint].append(tree)
    cuts = []
    for number, note in rows(connection, _CUTS):
        try:
            signed = Checkpoint.parse(note.partition("\n\n")[0] + "\n")
        except NoCheckpoint:
            trees.pop(number, None)
            continue  # The check of checkpoints names it.
        cuts.append(StoredCut(number=number, signed=signed, trees=trees.pop(number, [])))
    for number in trees:
        tally.find(None, f"checkpoint {number} was signed without trees, but has some", EVERYBODY)
    return cuts


def _check_cut(cut: StoredCut, owed: _Owed, tally: Tally) -> None:
    """Compare users and sums with the log's, and the trees with the signature."""
    tally.count("trees", len(cut.trees))
    position = cut.signed.events.size
    root, paths = paths_of({each.tenant: each.leaf for each in cut.trees})
    if root != cut.signed.liabilities:
        tally.find(position, f"checkpoint {cut.number}: the trees are not those that were signed", EVERYBODY)
    stored = {each.tenant: each for each in cut.trees}
    for tenant in sorted({*stored, *(tenant for tenant, users in owed.users.items() if users)}):
        each, sums, users = stored.get(tenant), _without_zeros(owed.sums[tenant]), len(owed.users[tenant])
        where = f"checkpoint {cut.number}, {tenant}"
        if each is None:
            tally.find(position, f"{where}: it has {users} users and no tree", tenant)
            continue
        if each.root.sums != sums:
            tally.find(position, f"{where}: the tree comes to {each.root.sums}, the ledger to {sums}", tenant)
        if (each.users, each.log_position) != (users, position):
            leaves = f"{each.users} leaves at {each.log_position}"
            tally.find(position, f"{where}: {leaves}, but {users} users at {position}", tenant)
        if each.path != {str(level): step.hex() for level, step in paths[tenant].items()}:
            tally.find(position, f"{where}: its path does not lead to what was signed", tenant)


def _check_leaves(connection: Connection, cut: StoredCut, owed: _Owed, *, tally: Tally, nonces: Nonces | None) -> None:
    """Compare every leaf of the last cut, and make its trees again with the vault's key."""
    position, tenants = cut.signed.events.size, [tenant for tenant, users in owed.users.items() if users]
    holdings = {tenant: owed.by_user(tenant) for tenant in tenants}
    leaves: dict[str, dict[str, Sums]] = {}
    hashes: dict[str, list[bytes]] = defaultdict(list)
    for tenant, digest, part in rows(connection, _TILES, cut.number):
        leaves.setdefault(tenant, {}).update(part)
        hashes[tenant].append(digest)
    tally.count("leaves", sum(map(len, leaves.values())))
    for tenant in sorted({*holdings, *leaves}):
        ours, stored = holdings.get(tenant, {}), leaves.get(tenant, {})
        for user in sorted(user for user in {*ours, *stored} if ours.get(user) != stored.get(user)):
            what = f"{user} of {tenant} is owed {ours.get(user)}, in the tree {stored.get(user)}"
            tally.find(position, what, tenant)
    if nonces is None:
        tally.count("trees not made again for want of the vault's key", len(cut.trees))
        return
    try:
        made = cut_of(holdings, nonces, log_position=position)
    except NoLiability as error:
        tally.find(position, f"no tree can be made: {error}", NOBODY)
        return
    if made.root != cut.signed.liabilities:
        what = f"checkpoint {cut.number} was signed for other trees than the log and the vault's key make"
        tally.find(position, what, EVERYBODY)
    for tree in made.trees:
        if hashes[tree.tenant] != [tree.tile(number).hash for number in range(len(hashes[tree.tenant]))]:
            tally.find(position, f"{tree.tenant}: the stored tiles are not those of the tree", tree.tenant)


def _without_zeros(sums: Mapping[str, int]) -> dict[str, int]:
    return {unit: units for unit, units in sums.items() if units}
