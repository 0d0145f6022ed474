"""Changes of many events are gathered per row, so that a batch writes each row once."""

from projections.changes import Add, Append, Changes, Put

ROW = {"tenant": "acme", "id": "a"}


def test_what_is_added_to_one_row_is_one_sum() -> None:
    changes = Changes()
    changes.take([Add("balances", ROW, {"units": 5}, {"scale": 2}), Add("balances", ROW, {"units": -7, "count": 1})])
    (total,) = changes.tables["balances"].added.values()
    assert total.deltas == {"units": -2, "count": 1}
    assert total.fixed == {"scale": 2}


def test_of_columns_that_are_put_twice_the_last_one_counts() -> None:
    changes = Changes()
    changes.take(
        [Put("users", ROW, {"status": "PENDING", "roles": ["trader"]}), Put("users", ROW, {"status": "ACTIVE"})]
    )
    assert list(changes.tables["users"].put.values()) == [{**ROW, "status": "ACTIVE", "roles": ["trader"]}]


def test_rows_of_an_empty_table_are_what_was_put_plus_what_was_added() -> None:
    changes = Changes()
    changes.take([Put("orders", ROW, {"status": "NEW", "filled": 0}), Add("orders", ROW, {"filled": 3})])
    changes.take([Add("orders", ROW, {"filled": 4}), Put("orders", ROW, {"status": "FILLED"})])
    assert changes.tables["orders"].rows() == [{**ROW, "status": "FILLED", "filled": 7}]


def test_a_row_that_was_only_added_to_begins_with_what_follows_from_its_key() -> None:
    changes = Changes()
    changes.take([Add("balances", ROW, {"units": 1}, {"scale": 2}), Add("balances", ROW, {"units": 2}, {"scale": 2})])
    assert changes.tables["balances"].rows() == [{**ROW, "scale": 2, "units": 3}]


def test_appended_rows_are_handed_over_once() -> None:
    changes = Changes()
    assert not changes
    changes.take([Append("fills", {"id": 1}), Append("fills", {"id": 2})])
    assert changes.take_appended("fills") == [{"id": 1}, {"id": 2}]
    assert changes.take_appended("fills") == []
