"""Whatever steps a range is looked at in, the same is found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interfaces.audit import events
from interfaces.audit.evidence import SealedLeaves
from interfaces.audit.findings import Tallies, Tally
from interfaces.audit.log import Row, Shape
from interfaces.audit.verify import verify
from tests.interfaces.audit.forgery import Books
from tests.interfaces.audit.resumed import SEALS, report_of, wrong_log

SMALL = st.integers(1, 3)
TENANTS = st.sampled_from(["a", "b"])
ROWS = st.lists(
    st.tuples(
        st.integers(1, 9), TENANTS.map(lambda tenant: f"{tenant}:x-1"), SMALL, st.just("name"), st.just(b""),
        st.just(b""), TENANTS, st.just("actor"), st.just(b""), st.just(b""), st.none(), SMALL, SMALL, SMALL, SMALL,
    ),
    max_size=9,
)  # fmt: skip
STEPS = st.lists(st.integers(0, 9), max_size=4).map(sorted)


def _cut(found: list[Row], steps: list[int]) -> list[list[Row]]:
    return [found[begin:end] for begin, end in zip([0, *steps], [*steps, len(found)], strict=True)]


@given(ROWS, STEPS)
def test_the_shape_of_a_log_is_judged_across_steps(found: list[Row], steps: list[int]) -> None:
    at_once, cut = Tallies(), Tallies()
    whole, by_steps = Shape(None, at_once), Shape(None, cut)
    whole.take(found)
    for step in _cut(found, steps):
        by_steps.take(step)
    assert (whole.close(), at_once) == (by_steps.close(), cut)


@given(st.lists(st.tuples(st.integers(1, 6), st.sampled_from([b"x", b"y"])), max_size=6), STEPS)
def test_leaves_taken_together_are_judged_as_one_by_one(found: list[tuple[int, bytes]], steps: list[int]) -> None:
    one_by_one, together = Tally("evidence"), Tally("evidence")
    hashes = (b"x", b"x", b"y", b"x", b"x", b"y")
    slowly, quickly = SealedLeaves(hashes, behind=0, tally=one_by_one), SealedLeaves(hashes, behind=0, tally=together)
    slowly.take((number, number, leaf) for number, leaf in found)
    for step in _cut(found, steps):
        quickly.take_all([number for number, _ in step], [leaf for _, leaf in step])
    slowly.close()
    quickly.close()
    assert one_by_one == together


@pytest.mark.anyio
async def test_a_wrong_log_has_the_same_report_in_any_steps(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    await wrong_log(books)
    reports = []
    for size in (1, 3, 1_000):
        monkeypatch.setattr(events, "AT_A_TIME", size)
        reports.append(report_of(verify(books.house.urls.projector, processes=1, seals=SEALS)))
    assert any(check["findings"] for check in reports[0]["checks"])
    assert reports[1:] == reports[:1] * 2
