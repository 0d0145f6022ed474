"""The one hash over the trees of all tenants, in which each tenant has exactly one place: where its name's hash says.

So nobody can be shown a second tree of the same tenant under the same signature, and who sees a branch learns of the
other tenants neither names nor sums. It is a sparse tree of 64 levels; an empty part of it is 32 bytes of zero.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256

from domain.liabilities.sums import bytes_of
from domain.liabilities.tree import Node
from domain.merkle import fields_of

LEVELS = 64
EMPTY_PART = bytes(32)
_TENANT, _NODE = b"\x04", b"\x05"


def place_of(tenant: str) -> int:
    """Return the place of a tenant: the first 64 bits of its name's hash."""
    return int.from_bytes(sha256(tenant.encode()).digest()[: LEVELS // 8], "big")


def tenant_leaf(tenant: str, *, users: int, root: Node) -> bytes:
    """Return the leaf of a tenant: its name, how many leaves its tree has, and the root with its sums."""
    return sha256(_TENANT + fields_of((tenant, users, root.hash, bytes_of(root.sums)))).digest()


def paths_of(leaves: Mapping[str, bytes]) -> tuple[bytes, dict[str, dict[int, bytes]]]:
    """Return the root over the leaves of tenants, and each tenant's path: the neighbours that are not empty, by level.

    Level 0 is that of the leaves.
    """
    parts = {place_of(tenant): leaf for tenant, leaf in leaves.items()}
    assert len(parts) == len(leaves), "two tenants have one place"
    neighbours: dict[str, dict[int, bytes]] = {tenant: {} for tenant in leaves}
    for level in range(LEVELS):
        for tenant, path in neighbours.items():
            neighbour = parts.get((place_of(tenant) >> level) ^ 1)
            if neighbour is not None:
                path[level] = neighbour
        parts = {place: _above(parts, place) for place in {place >> 1 for place in parts}}
    return parts.get(0, EMPTY_PART), neighbours


def climb(tenant: str, leaf: bytes, path: Iterable[tuple[int, bytes]]) -> bytes:
    """Return the root that a tenant's path leads to. Raises `ValueError` for a path of another shape."""
    neighbours = dict(steps := list(path))
    if len(neighbours) < len(steps) or not all(0 <= level < LEVELS for level in neighbours):
        raise ValueError("the tenants' path has a level twice, or one too many")
    node, place = leaf, place_of(tenant)
    for level in range(LEVELS):
        neighbour = neighbours.get(level, EMPTY_PART)
        node = _node(neighbour, node) if place >> level & 1 else _node(node, neighbour)
    return node


def _above(parts: Mapping[int, bytes], place: int) -> bytes:
    return _node(parts.get(2 * place, EMPTY_PART), parts.get(2 * place + 1, EMPTY_PART))


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(_NODE + left + right).digest()
