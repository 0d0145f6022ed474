import hashlib
from itertools import pairwise

from domain.moving_averages import INITIAL, step
from interfaces.exchanges import built_in


def test_the_built_in_candles_are_the_same_for_everybody() -> None:
    text = "\n".join(f"{row.at} {row.open} {row.high} {row.low} {row.close} {row.volume}" for row in BUILT_IN.rows)
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "dc869cefe347a797"


def test_the_built_in_candles_are_six_hundred_hours_that_follow_on_each_other() -> None:
    assert len(BUILT_IN.rows) == 600
    assert BUILT_IN.gaps == ()
    assert all(one.close == other.open and other.at - one.at == BUILT_IN.step for one, other in pairwise(BUILT_IN.rows))
    assert all(row.low.units > 0 for row in BUILT_IN.rows)


def test_averages_of_ten_and_thirty_cross_often_and_once_before_an_hour_without_trade() -> None:
    state, crossed = INITIAL, []
    for row in BUILT_IN.rows:
        state, cross = step(state, row.close.units)
        if cross:
            crossed.append(row.at + BUILT_IN.step)
    assert 10 <= len(crossed) <= 20
    assert set(crossed) & set(BUILT_IN.idle)


BUILT_IN = built_in.candles()
