"""A Merkle tree whose nodes also add up: its root names what is owed in all, and each leaf is somebody's part of it.

A parent is hashed over the hashes and the sums of both children, one by one: a hash over their total alone would let a
child claim any other sum. Leaves and nodes are hashed behind bytes of their own, and behind none that RFC 6962 uses. A
node without a neighbour is carried up as it is: nothing is doubled, so no leaf can stand for two.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

from domain.liabilities.sums import NOTHING, NoLiability, Sums, add_up, bytes_of, check_sums
from domain.merkle import fields_of

_LEAF, _NODE = b"\x02", b"\x03"


class Node(NamedTuple):
    """A leaf, or a part of the tree: its hash, and what all leaves below it come to."""

    hash: bytes
    sums: Sums


EMPTY = Node(bytes(32), NOTHING)
"""The root of a tree without leaves."""


def leaf_of(nonce: bytes, user: str, sums: Sums) -> Node:
    """Return the leaf of a user. The nonce is what keeps others from guessing it. Raises `NoLiability`."""
    try:
        check_sums(sums)
    except NoLiability as error:
        raise NoLiability(f"{user}: {error}") from error
    return Node(sha256(_LEAF + fields_of((nonce, user, bytes_of(sums)))).digest(), sums)


def node_of(left: Node, right: Node) -> Node:
    """Return the parent of two nodes. Raises `NoLiability` where their sum has no place."""
    together = fields_of((left.hash, bytes_of(left.sums), right.hash, bytes_of(right.sums)))
    return Node(sha256(_NODE + together).digest(), add_up(left.sums, right.sums))


def levels_of(leaves: Sequence[Node]) -> list[Sequence[Node]]:
    """Return all levels of a tree, from the leaves up. Raises `NoLiability`."""
    levels: list[Sequence[Node]] = [leaves]
    while len(levels[-1]) > 1:
        level = levels[-1]
        above = [node_of(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
        levels.append([*above, level[-1]] if len(level) % 2 else above)
    return levels


def root_of(leaves: Sequence[Node]) -> Node:
    """Return the root of a tree. Raises `NoLiability`."""
    return levels_of(leaves)[-1][0] if leaves else EMPTY


def path_of(levels: Sequence[Sequence[Node]], index: int) -> tuple[Node, ...]:
    """Return the neighbours of a leaf and of what is above it, from the bottom up."""
    steps = ((level, (index >> height) ^ 1) for height, level in enumerate(levels[:-1]))
    return tuple(level[neighbour] for level, neighbour in steps if neighbour < len(level))


def climb(leaf: Node, index: int, *, size: int, path: Sequence[Node]) -> Node:
    """Return the root that a leaf's branch leads to. Its shape follows from index and size; nothing else is believed.

    Raises `NoLiability` where a sum cannot be owed, and `ValueError` where the branch has another shape.
    """
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} among {size}")
    node, steps, last = leaf, list(reversed(path)), size - 1
    while last:
        if index % 2 or index < last:
            if not steps:
                raise ValueError("the branch is too short")
            neighbour = steps.pop()
            check_sums(neighbour.sums)
            node = node_of(neighbour, node) if index % 2 else node_of(node, neighbour)
        index, last = index >> 1, last >> 1
    if steps:
        raise ValueError("the branch is too long")
    return node
