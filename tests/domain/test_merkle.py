"""The tree is RFC 6962's: it agrees with the library pymerkle, and no proof holds for anything but what it proves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree
from pymerkle.proof import MerkleProof, verify_consistency, verify_inclusion

from domain.merkle import (
    EMPTY_ROOT,
    Frontier,
    is_consistent,
    is_included,
    leaf_of,
    levels_of,
    prove_consistency,
    prove_inclusion,
    root_of,
)

LEAVES = [leaf_of(str(number).encode()) for number in range(70)]


def library(size: int) -> InmemoryTree:
    tree = InmemoryTree(algorithm="sha256")
    for number in range(size):
        tree.append_entry(str(number).encode())
    return tree


@pytest.mark.parametrize("size", range(1, 70))
def test_roots_and_proofs_are_those_of_pymerkle(size: int) -> None:
    theirs = library(size)
    assert root_of(LEAVES[:size]) == theirs.get_state()
    for index in {0, size // 2, size - 1}:
        proof: MerkleProof = theirs.prove_inclusion(index + 1)
        verify_inclusion(LEAVES[index], theirs.get_state(), proof)
        path = prove_inclusion(levels_of(LEAVES[:size]), index)
        assert is_included(LEAVES[index], index, size=size, path=path, root=theirs.get_state())
    for old in {1, (size + 1) // 2, size}:
        verify_consistency(theirs.get_state(old), theirs.get_state(), theirs.prove_consistency(old, size))
        path = prove_consistency(LEAVES[:size], old)
        assert is_consistent(
            old_size=old, old_root=theirs.get_state(old), new_size=size, new_root=theirs.get_state(), path=path
        )


def test_the_empty_tree_has_the_root_of_the_standard() -> None:
    assert root_of([]) == EMPTY_ROOT == Frontier().root
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@given(st.lists(st.integers(0, 3), max_size=9))
def test_a_frontier_has_the_root_of_all_its_leaves(heights: list[int]) -> None:
    frontier, taken = Frontier(), 0
    for height in sorted(heights, reverse=True):
        width = 1 << height
        frontier = frontier.add(root_of([leaf_of(str(n).encode()) for n in range(taken, taken + width)]), height=height)
        taken += width
        assert (frontier.size, frontier.root) == (taken, root_of([leaf_of(str(n).encode()) for n in range(taken)]))


@given(st.integers(1, 70), st.data())
def test_a_path_includes_no_other_leaf_index_size_or_root(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaf, path, root = LEAVES[index], prove_inclusion(levels_of(LEAVES[:size]), index), root_of(LEAVES[:size])
    assert is_included(leaf, index, size=size, path=path, root=root)
    other = data.draw(st.integers(-1, 70).filter(lambda number: number != index))
    assert not is_included(leaf, other, size=size, path=path, root=root)
    assert not is_included(leaf_of(b"forged"), index, size=size, path=path, root=root)
    assert not is_included(leaf, index, size=size, path=path, root=leaf_of(b"forged"))
    assert not is_included(leaf, index, size=size, path=(*path, leaf), root=root)
    assert not path or not is_included(leaf, index, size=size, path=path[:-1], root=root)


@given(st.integers(2, 70), st.data())
def test_a_changed_past_is_consistent_with_nothing(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size - 1))
    changed = data.draw(st.integers(0, old - 1))
    forged = [*LEAVES[:changed], leaf_of(b"forged"), *LEAVES[changed + 1 : size]]
    honest, path = root_of(LEAVES[:size]), prove_consistency(LEAVES[:size], old)
    assert is_consistent(old_size=old, old_root=root_of(LEAVES[:old]), new_size=size, new_root=honest, path=path)
    for new_root, tried in ((honest, path), (root_of(forged), prove_consistency(forged, old))):
        for old_root in {root_of(LEAVES[:old]), root_of(forged[:old])}:
            is_true = (old_root, new_root) in {
                (root_of(LEAVES[:old]), honest),
                (root_of(forged[:old]), root_of(forged)),
            }
            assert is_true == is_consistent(
                old_size=old, old_root=old_root, new_size=size, new_root=new_root, path=tried
            )
