"""The hash of an event's leaf is over all of its columns, however much of it is kept from the event before."""

from hypothesis import given
from hypothesis import strategies as st

from application.evidence.leaves import StoredEvent, leaf_hash
from domain.merkle import fields_of, leaf_of

FEW = st.sampled_from(["", "a", "ab", "é", "1", "12"])
NUMBERS = st.sampled_from([0, 1, 12, 2**40])
EVENTS = st.lists(
    st.builds(
        StoredEvent,
        log_position=NUMBERS, stream=FEW, version=NUMBERS, type=FEW, recorded_us=NUMBERS, event_id=FEW, tenant=FEW,
        actor=FEW, command_id=FEW, correlation_id=FEW, causation_id=st.none() | FEW, append_id=NUMBERS,
        append_index=NUMBERS, append_size=NUMBERS, state=st.sampled_from([b"", b"{}", b"{}" * 2_000]),
    ),
    min_size=1,
    max_size=20,
)  # fmt: skip


@given(EVENTS)
def test_each_events_leaf_is_made_of_all_its_fields(events: list[StoredEvent]) -> None:
    assert [leaf_hash(event) for event in events] == [leaf_of(fields_of(event)) for event in events]
    assert len({leaf_hash(event) for event in events}) == len(set(events))


def test_a_leaf_is_what_it_was_when_the_first_checkpoints_were_signed() -> None:
    event = StoredEvent(
        log_position=7, stream="a:b-1", version=2, type="user.activated.v1", recorded_us=10**15, event_id="e" * 32,
        tenant="a", actor="x", command_id="c" * 32, correlation_id="d" * 32, causation_id=None, append_id=3,
        append_index=1, append_size=2, state=b"{}",
    )  # fmt: skip
    assert leaf_hash(event).hex() == "ab86fed79c0890928df20dcdacacecc1704f1ed7d9f0c46490b850ab27acee95"
