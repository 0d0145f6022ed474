"""Every tenant has one place in the tree of tenants, and its path shows nothing of the others."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.liabilities.tenants import EMPTY_PART, LEVELS, climb, paths_of, place_of, tenant_leaf
from domain.liabilities.tree import Node

NAMES = st.sets(st.text("abcdefghijklmnopqrstuvwxyz0189", min_size=2, max_size=8), min_size=1, max_size=30)


def leaf(name: str) -> bytes:
    return tenant_leaf(name, users=3, root=Node(sha256(name.encode()).digest(), {"USD/2": 1_000}))


@given(NAMES)
def test_every_tenants_path_leads_to_the_one_root(names: set[str]) -> None:
    root, paths = paths_of({name: leaf(name) for name in names})
    for name in names:
        assert climb(name, leaf(name), paths[name].items()) == root
        for other in names - {name}:
            assert climb(other, leaf(name), paths[name].items()) != root


def test_a_tenant_is_bound_to_its_size_root_and_sums() -> None:
    same = leaf("acme")
    node = Node(sha256(b"acme").digest(), {"USD/2": 1_000})
    assert tenant_leaf("acme", users=3, root=node) == same
    for other in (
        tenant_leaf("acme", users=4, root=node),
        tenant_leaf("acm", users=3, root=node),
        tenant_leaf("acme", users=3, root=Node(node.hash, {"USD/2": 999})),
        tenant_leaf("acme", users=3, root=Node(sha256(b"other").digest(), node.sums)),
    ):
        assert other != same


def test_a_second_tree_of_the_same_tenant_has_no_place() -> None:
    """Half of the users shown one tree and half another, both under one signature: both would need one place."""
    first, second = leaf("acme"), tenant_leaf("acme", users=2, root=Node(bytes(32), {"USD/2": 1}))
    root, paths = paths_of({"acme": first, "zenith": leaf("zenith")})
    assert climb("acme", first, paths["acme"].items()) == root
    assert climb("acme", second, paths["acme"].items()) != root
    at = place_of("acme")
    assert all(climb("acme", second, [(level, first)]) != root for level in range(LEVELS))
    assert at == int.from_bytes(sha256(b"acme").digest()[:8], "big")


def test_a_path_of_another_shape_is_refused() -> None:
    for path in ([(LEVELS, b"x")], [(-1, b"x")], [(0, b"x"), (0, b"y")]):
        with pytest.raises(ValueError, match="path"):
            climb("acme", leaf("acme"), path)


def test_no_tenants_have_no_root() -> None:
    assert paths_of({}) == (EMPTY_PART, {})
