"""A growing tree as the follower keeps it: its frontier, its chain, and the leaves behind the last whole tile.

Leaves are stored in tiles of 256, so that a proof finds them without hashing the log again and a changed event can be
named. A tile is written once, when it is whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from application.evidence.leaves import CHAIN_START, chained
from domain.merkle import HASH_BYTES, Frontier, root_of

TILE_HEIGHT = 8
TILE = 1 << TILE_HEIGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What is signed of a tree: how many leaves it has, its root, and the end of the hash chain over them."""

    size: int
    root: bytes
    chain: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """256 leaves that follow each other, their root, and the chain behind the last of them. The first is 0."""

    index: int
    leaves: tuple[bytes, ...]
    root: bytes
    chain: bytes

    @property
    def hashes(self) -> bytes:
        """The leaves one behind the other, as they are stored."""
        return b"".join(self.leaves)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A tree that only grows. `whole` are its whole tiles; `chain` is the end of the chain behind them."""

    whole: Frontier = field(default_factory=Frontier)
    chain: bytes = CHAIN_START
    tail: tuple[bytes, ...] = ()

    @property
    def size(self) -> int:
        """How many leaves the tree has."""
        return self.whole.size + len(self.tail)

    @property
    def head(self) -> Head:
        """What is signed of the tree as it is."""
        whole = self.whole.add(*self.tail)
        return Head(size=whole.size, root=whole.root, chain=chained(self.chain, self.tail))

    def add(self, leaves: Sequence[bytes]) -> tuple["Tree", tuple[Tile, ...]]:
        """Return the tree with more leaves, and the tiles that became whole by them."""
        pending, whole, chain = (*self.tail, *leaves), self.whole, self.chain
        tiles = []
        for start in range(0, len(pending) - TILE + 1, TILE):
            part = pending[start : start + TILE]
            chain = chained(chain, part)
            tile = Tile(index=whole.size // TILE, leaves=part, root=root_of(part), chain=chain)
            whole = whole.add(tile.root, height=TILE_HEIGHT)
            tiles.append(tile)
        return Tree(whole=whole, chain=chain, tail=pending[TILE * len(tiles) :]), tuple(tiles)


def split(hashes: bytes) -> tuple[bytes, ...]:
    """Return the leaves of stored hashes."""
    return tuple(hashes[start : start + HASH_BYTES] for start in range(0, len(hashes), HASH_BYTES))
