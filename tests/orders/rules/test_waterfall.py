"""Bars that add up: each begins where the one before ended."""

from hypothesis import given
from hypothesis import strategies as st

from orders.rules.waterfall import WIDTH, waterfall


@given(st.integers(1, 10**9), st.data())
def test_bars_stay_on_the_paper_and_meet(paid, data):
    before = data.draw(st.integers(0, paid))
    back = data.draw(st.integers(0, paid - before))
    first, second, third = waterfall(
        [("paid", paid), ("before", -before), ("back", -back)], whole_minor=paid
    )
    (net,) = waterfall([("net", paid - before - back)], whole_minor=paid)
    assert first.x + first.width == WIDTH == second.x + second.width
    assert third.x + third.width == second.x
    assert net.x + net.width == third.x
    assert first.y < second.y < third.y
