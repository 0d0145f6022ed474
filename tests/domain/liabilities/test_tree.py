"""A branch leads to the root for the amounts that are in the tree, and for no others: the ways to cheat, one by one."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import merkle
from domain.liabilities.sums import LIMIT, NoLiability, Sums
from domain.liabilities.tree import EMPTY, Node, climb, leaf_of, levels_of, node_of, path_of, root_of

SUMS = st.dictionaries(st.sampled_from(("BRL/2", "BTC/18", "USD/2")), st.integers(1, 10**30), max_size=3)
OWED = st.lists(SUMS, min_size=1, max_size=40)


def nonce(number: int) -> bytes:
    return sha256(str(number).encode()).digest()


def leaves_of(owed: Sequence[Sums]) -> list[Node]:
    return [leaf_of(nonce(number), f"user {number}", sums) for number, sums in enumerate(owed)]


@given(OWED)
def test_every_leaf_has_a_branch_to_the_one_root_which_is_the_sum_of_all(owed: list[Sums]) -> None:
    leaves = leaves_of(owed)
    levels, root, total = levels_of(leaves), root_of(leaves), Counter[str]()
    for sums in owed:
        total.update(sums)
    assert root.sums == dict(total)
    for index, leaf in enumerate(leaves):
        assert climb(leaf, index, size=len(leaves), path=path_of(levels, index)) == root


@given(OWED, st.data())
def test_no_other_amount_user_nonce_or_place_leads_to_the_root(owed: list[Sums], data: st.DataObject) -> None:
    leaves = leaves_of(owed)
    index = data.draw(st.integers(0, len(leaves) - 1))
    path, root = path_of(levels_of(leaves), index), root_of(leaves)
    for forged in (
        leaf_of(nonce(index), f"user {index}", {**owed[index], "USD/2": owed[index].get("USD/2", 0) + 1}),
        leaf_of(nonce(index), f"user {index}", {"CHF/2": 1}),
        leaf_of(nonce(index), "somebody else", owed[index]),
        leaf_of(nonce(index + 1), f"user {index}", owed[index]),
    ):
        assert climb(forged, index, size=len(leaves), path=path) != root
    for other in set(range(len(leaves))) - {index}:
        with suppress(ValueError):  # it has another shape
            assert climb(leaves[index], other, size=len(leaves), path=path) != root


def test_a_tree_of_nobody_is_nothing() -> None:
    assert root_of([]) == EMPTY
    with pytest.raises(ValueError, match="no leaf"):
        climb(EMPTY, 0, size=0, path=())


ANA, BOB = leaf_of(nonce(1), "ana", {"USD/2": 700}), leaf_of(nonce(2), "bob", {"USD/2": 300})
CAROL = leaf_of(nonce(3), "carol", {"BTC/18": 5})


# Less than nothing, and more than fits


@pytest.mark.parametrize("units", [0, -1, -(10**18), LIMIT])
def test_nobody_is_owed_less_than_something_or_more_than_fits(units: int) -> None:
    with pytest.raises(NoLiability, match=r"bob: .* cannot be owed"):
        leaf_of(nonce(2), "bob", {"USD/2": units})


def test_a_neighbour_that_is_owed_less_than_nothing_is_refused_on_the_way_up() -> None:
    """The classic: a made-up customer with a negative balance makes the total small."""
    made_up = Node(nonce(9), {"USD/2": -1_000})
    with pytest.raises(NoLiability):
        climb(ANA, 0, size=2, path=(made_up,))
    with pytest.raises(NoLiability):
        climb(ANA, 1, size=2, path=(made_up,))


def test_a_sum_that_outgrows_its_place_is_refused_and_never_wraps_around() -> None:
    rich = leaf_of(nonce(4), "rich", {"USD/2": LIMIT - 1})
    with pytest.raises(NoLiability):
        node_of(rich, ANA)
    with pytest.raises(NoLiability):
        climb(ANA, 0, size=2, path=(rich,))


# Hidden sums


def test_a_parent_stands_for_the_sum_of_each_child_and_not_for_their_total_only() -> None:
    """Where only the total is hashed, 700 + 300 can be shown as 0 + 1000 to Ana and as 1000 + 0 to Bob."""
    root = node_of(ANA, BOB)
    for left, right in ((Node(ANA.hash, {"USD/2": 300}), Node(BOB.hash, {"USD/2": 700})), (BOB, ANA)):
        other = node_of(left, right)
        assert other.sums == root.sums
        assert other.hash != root.hash


def test_a_neighbours_amount_cannot_be_lowered() -> None:
    lowered = Node(BOB.hash, {"USD/2": 1})
    assert climb(ANA, 0, size=2, path=(lowered,)).hash != node_of(ANA, BOB).hash
    left_out = Node(BOB.hash, {})
    assert climb(ANA, 0, size=2, path=(left_out,)).hash != node_of(ANA, BOB).hash


def test_assets_and_scales_do_not_flow_into_one_another() -> None:
    assert node_of(ANA, CAROL).sums == {"USD/2": 700, "BTC/18": 5}
    coarse, fine = (leaf_of(nonce(1), "ana", {unit: 700}) for unit in ("USD/2", "USD/18"))
    assert coarse.hash != fine.hash
    assert node_of(coarse, fine).sums == {"USD/2": 700, "USD/18": 700}
    assert leaf_of(nonce(1), "ana", {"USD/2": 11, "X/1": 1}) != leaf_of(nonce(1), "ana", {"USD/2": 1, "X/1": 11})


# Doubled leaves, and nodes taken for leaves


def test_an_odd_leaf_is_carried_up_and_not_doubled() -> None:
    """In Bitcoin's tree (CVE-2012-2459) three leaves have the root of four, of which the last two are equal."""
    three, four = root_of([ANA, BOB, CAROL]), root_of([ANA, BOB, CAROL, CAROL])
    assert three.hash != four.hash
    assert three.sums == {"USD/2": 1_000, "BTC/18": 5}
    assert climb(CAROL, 2, size=3, path=(node_of(ANA, BOB),)) == three


def test_a_branch_has_the_shape_that_index_and_size_say_and_no_other() -> None:
    leaves = [ANA, BOB, CAROL]
    levels = levels_of(leaves)
    for index in range(3):
        path = path_of(levels, index)
        for wrong in (path[1:], (*path, BOB), path[:-1]):
            with pytest.raises(ValueError, match=r"too (short|long)"):
                climb(leaves[index], index, size=3, path=wrong)
    for index, size in ((3, 3), (-1, 3), (0, 0)):
        with pytest.raises(ValueError, match="there is no leaf"):
            climb(ANA, index, size=size, path=())


def test_leaves_nodes_and_the_trees_of_the_log_are_hashed_apart() -> None:
    """A node's content shown as a leaf's, or the other way round, or as an event's, has another hash."""
    inner = node_of(ANA, BOB)
    assert climb(inner, 0, size=2, path=(CAROL,)) == climb(ANA, 0, size=3, path=(BOB, CAROL)), "the size tells them"
    content = merkle.fields_of((b"a", "b", b""))
    assert len({sha256(bytes([mark]) + content).digest() for mark in range(6)}) == 6
    assert leaf_of(b"a", "b", {}).hash == sha256(b"\x02" + content).digest()
    assert leaf_of(b"a", "b", {}).hash != merkle.leaf_of(content)
    four = merkle.fields_of((ANA.hash, merkle.fields_of(("USD/2", 700)), BOB.hash, merkle.fields_of(("USD/2", 300))))
    assert inner.hash == sha256(b"\x03" + four).digest()
    assert inner.hash != merkle.leaf_of(four) != merkle.node_of(ANA.hash, BOB.hash)


def test_fields_do_not_flow_into_one_another() -> None:
    assert leaf_of(b"ab", "c", {}) != leaf_of(b"a", "bc", {})
    assert leaf_of(b"", "c", {"USD/2": 1}) != leaf_of(b"", "c", {"USD/21": 1})
