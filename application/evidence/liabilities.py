"""A cut: the trees of what is owed to the users of every tenant at the end of an append, and the one root over them.

It is made of balances and of the nonces alone, so the same log position gives the same root. Every user who was
registered by then has a leaf, also one to whom nothing is owed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple

from application.evidence.trees import TILE
from application.ports import Nonces
from domain.liabilities import sums, tenants, tree
from domain.liabilities.sums import Sums
from domain.liabilities.tree import Node

Holdings = dict[str, dict[str, Sums]]
"""What is owed, by tenant and user."""


class Owed(NamedTuple):
    """A user with what is owed to them, and their place in the order of the leaves: the hash of their nonce.

    So neighbours are others in every tree, and nobody knows who.
    """

    place: bytes
    user: str
    sums: Sums


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantTree:
    """The tree of one tenant."""

    tenant: str
    owed: Sequence[Owed]
    levels: Sequence[Sequence[Node]]

    @property
    def root(self) -> Node:
        """What is owed to all users of the tenant, and the hash that stands for it."""
        return self.levels[-1][0]

    @property
    def leaf(self) -> bytes:
        """The tenant's own leaf in the tree of tenants."""
        return tenants.tenant_leaf(self.tenant, users=len(self.owed), root=self.root)

    def tile(self, number: int) -> Node:
        """Return the node above a tile of leaves."""
        return self.levels[min(TILE.bit_length() - 1, len(self.levels) - 1)][number]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """All trees at a log position; `paths` lead from each tenant to the root, by level."""

    log_position: int
    trees: Sequence[TenantTree]
    root: bytes
    paths: Mapping[str, Mapping[int, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A user's own part of a tree, with all it takes to follow it up to the signature of a checkpoint.

    `key` is the public key that signed, as whoever gives the branch says.
    """

    tenant: str
    user: str
    log_position: int
    nonce: bytes = field(repr=False)
    sums: Sums
    index: int
    size: int
    path: Sequence[Node]
    tenants_path: Mapping[int, bytes]
    checkpoint: str
    key: str

    @property
    def root(self) -> tuple[Node, bytes]:
        """The tenant's root and the root over all tenants that the branch leads to."""
        leaf = tree.leaf_of(self.nonce, self.user, self.sums)
        root = tree.climb(leaf, self.index, size=self.size, path=self.path)
        above = tenants.tenant_leaf(self.tenant, users=self.size, root=root)
        return root, tenants.climb(self.tenant, above, self.tenants_path.items())

    @property
    def data(self) -> dict[str, Any]:
        """The JSON form, which docs/liabilities.md explains."""
        return {
            "proves": "an amount is among the liabilities",
            "tenant": self.tenant,
            "user": self.user,
            "log_position": self.log_position,
            "nonce": self.nonce.hex(),
            "amounts": sums.written(self.sums),
            "index": self.index,
            "size": self.size,
            "path": [{"hash": node.hash.hex(), "amounts": sums.written(node.sums)} for node in self.path],
            "tenants_path": [{"level": level, "hash": step.hex()} for level, step in self.tenants_path.items()],
            "checkpoint": self.checkpoint,
            "key": self.key,
        }

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "Branch":
        """Read the JSON form. Raises `ValueError`, `KeyError` or `TypeError`."""
        steps = [(_whole(step["level"]), bytes.fromhex(step["hash"])) for step in data["tenants_path"]]
        if len(dict(steps)) < len(steps):
            raise ValueError("the tenants' path has a level twice")
        return cls(
            tenant=str(data["tenant"]),
            user=str(data["user"]),
            log_position=_whole(data["log_position"]),
            nonce=bytes.fromhex(data["nonce"]),
            sums=sums.read(data["amounts"]),
            index=_whole(data["index"]),
            size=_whole(data["size"]),
            path=tuple(Node(bytes.fromhex(step["hash"]), sums.read(step["amounts"])) for step in data["path"]),
            tenants_path=dict(steps),
            checkpoint=str(data["checkpoint"]),
            key=str(data["key"]),
        )


def cut_of(holdings: Holdings, nonces: Nonces, *, log_position: int) -> Cut:
    """Make the trees of what is owed at a log position. Raises `NoLiability`: somebody is owed less than nothing."""
    trees = [tree_of(tenant, holdings[tenant], nonces, log_position=log_position) for tenant in sorted(holdings)]
    root, paths = tenants.paths_of({each.tenant: each.leaf for each in trees})
    return Cut(log_position=log_position, trees=trees, root=root, paths=paths)


def tree_of(tenant: str, held: Mapping[str, Sums], nonces: Nonces, *, log_position: int) -> TenantTree:
    """Make the tree of a tenant that has users. Raises `NoLiability`."""
    drawn = {user: nonces.liability_nonce(tenant, user, log_position=log_position) for user in held}
    owed = sorted(Owed(place_of(nonce), user, held[user]) for user, nonce in drawn.items())
    try:
        leaves = [tree.leaf_of(drawn[one.user], one.user, one.sums) for one in owed]
        return TenantTree(tenant=tenant, owed=owed, levels=tree.levels_of(leaves))
    except sums.NoLiability as error:
        raise sums.NoLiability(f"{tenant}: {error}") from error


def place_of(nonce: bytes) -> bytes:
    """Return the place of a leaf among the others."""
    return sha256(nonce).digest()


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError(f"{value!r} is no whole number")
    return value


def add_to(holdings: Holdings, changes: Iterable[tuple[str, str, str, int]]) -> None:
    """Add changes (tenant, user, unit, units) to what is owed; without a unit a user is only made known."""
    for tenant, user, unit, units in changes:
        held = dict(holdings.setdefault(tenant, {}).get(user, {}))
        if unit:
            held[unit] = held.get(unit, 0) + units
            if not held[unit]:
                del held[unit]
        holdings[tenant][user] = held
