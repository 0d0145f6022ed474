"""Merkle trees as Certificate Transparency has them (RFC 6962 §2, RFC 9162 §2.1): roots, proofs, and their checking.

A tree over n leaves splits at the largest power of two below n; pairing neighbours level by level, with an odd last
node carried up as it is, gives the same tree. Hashes are 32 bytes.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()
LEAF, _NODE = b"\x00", b"\x01"
_ABSENT = b"\xff\xff\xff\xff"
LENGTHS = tuple(length.to_bytes(4, "big") for length in range(2_048))
"""Lengths as they stand before a field, those of nearly all fields: a leaf has fifteen of them."""


def fields_of(values: Iterable[bytes | str | int | None]) -> bytes:
    """Return the bytes that are hashed of a row of fields: no two rows have the same.

    A field is four bytes of length, most significant first, and its bytes; an absent one is the length 2^32 − 1 alone.
    Numbers are written in decimal digits, text in UTF-8.
    """
    return b"".join(map(field_of, values))


def field_of(value: bytes | str | int | None) -> bytes:
    """Return the bytes that are hashed of one field; see `fields_of`."""
    if value is None:
        return _ABSENT
    data = value if isinstance(value, bytes) else str(value).encode()
    length = len(data)
    return (LENGTHS[length] if length < len(LENGTHS) else length.to_bytes(4, "big")) + data


def leaf_of(data: bytes) -> bytes:
    """Return the hash of a leaf."""
    return sha256(LEAF + data).digest()


def node_of(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return sha256(_NODE + left + right).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root over hashes of leaves."""
    return levels_of(leaves)[-1][0] if leaves else EMPTY_ROOT


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """A growing tree without its leaves: the roots of its whole subtrees, largest first, as many as `size` has ones."""

    size: int = 0
    roots: tuple[bytes, ...] = ()

    def add(self, *subtrees: bytes, height: int = 0) -> "Frontier":
        """Append whole subtrees of 2^height leaves each. The size so far is a multiple of that."""
        assert self.size % (1 << height) == 0, "a whole subtree begins at a multiple of its size"
        size, roots = self.size, list(self.roots)
        for subtree in subtrees:
            merged = size >> height
            while merged & 1:
                subtree = node_of(roots.pop(), subtree)  # noqa: PLW2901 - it grows on its way up
                merged >>= 1
            roots.append(subtree)
            size += 1 << height
        return Frontier(size=size, roots=tuple(roots))

    @property
    def root(self) -> bytes:
        """The root of the tree."""
        if not self.roots:
            return EMPTY_ROOT
        *others, root = self.roots
        for left in reversed(others):
            root = node_of(left, root)
        return root


def levels_of(leaves: Sequence[bytes]) -> list[Sequence[bytes]]:
    """Return all levels of a tree, from the leaves up: made once, they give the path of every leaf."""
    levels = [leaves]
    while len(levels[-1]) > 1:
        levels.append(_above(levels[-1]))
    return levels


def prove_inclusion(levels: Sequence[Sequence[bytes]], index: int) -> tuple[bytes, ...]:
    """Return the audit path of a leaf, from the bottom up (RFC 6962 §2.1.1)."""
    assert 0 <= index < len(levels[0]), "the leaf is in the tree"
    steps = ((level, (index >> height) ^ 1) for height, level in enumerate(levels[:-1]))
    return tuple(level[sibling] for level, sibling in steps if sibling < len(level))


def is_included(leaf: bytes, index: int, *, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Check an audit path (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        return False
    first, last, node = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if first & 1 or first == last:
            node = node_of(step, node)
            first, last = _past_right_edges(first, last)
        else:
            node = node_of(node, step)
        first, last = first >> 1, last >> 1
    return last == 0 and node == root


def prove_consistency(leaves: Sequence[bytes], old_size: int) -> tuple[bytes, ...]:
    """Return the proof that the first `old_size` leaves are unchanged in this tree (RFC 6962 §2.1.2)."""
    assert 0 <= old_size <= len(leaves), "the old tree is the smaller one"
    if old_size in {0, len(leaves)}:
        return ()
    return tuple(_subproof(leaves, old_size, is_whole=True))


def is_consistent(*, old_size: int, old_root: bytes, new_size: int, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Check that a tree has grown from another by appending only (RFC 9162 §2.1.4.2)."""
    if old_size > new_size:
        return False
    if old_size in {0, new_size}:
        return not path and (old_root == new_root if old_size else old_root == EMPTY_ROOT)
    first, last = old_size - 1, new_size - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    steps = [old_root, *path] if old_size & (old_size - 1) == 0 else list(path)
    if not steps:
        return False
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if first & 1 or first == last:
            old, new = node_of(step, old), node_of(step, new)
            first, last = _past_right_edges(first, last)
        else:
            new = node_of(new, step)
        first, last = first >> 1, last >> 1
    return last == 0 and (old, new) == (old_root, new_root)


def _above(level: Sequence[bytes]) -> list[bytes]:
    pairs = iter(level)
    above = [node_of(left, right) for left, right in zip(pairs, pairs, strict=False)]
    if len(level) & 1:
        above.append(level[-1])
    return above


def _past_right_edges(first: int, last: int) -> tuple[int, int]:
    """Climb as long as the node is a left one without sibling: it is carried up as it is."""
    while first and not first & 1:
        first, last = first >> 1, last >> 1
    return first, last


def _subproof(leaves: Sequence[bytes], old_size: int, *, is_whole: bool) -> Iterator[bytes]:
    """Yield SUBPROOF(old_size, leaves, is_whole) of RFC 6962."""
    if old_size == len(leaves):
        if not is_whole:
            yield root_of(leaves)
        return
    split = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = leaves[:split], leaves[split:]
    if old_size <= split:
        yield from _subproof(left, old_size, is_whole=is_whole)
        yield root_of(right)
    else:
        yield from _subproof(right, old_size - split, is_whole=False)
        yield root_of(left)
