"""Points that pay, by the terms of a program."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from loyalty.rules.redemption import Redeemed, RedemptionTerms, redeemed


def test_a_share_too_small_for_one_unit():
    terms = RedemptionTerms(100, 500, share=Fraction(1, 10))
    found = redeemed(terms, available=900, payable_minor=4900)
    assert found == Redeemed(reason="condition_not_met")


@given(
    st.integers(1, 50),
    st.integers(1, 500),
    st.integers(0, 200),
    st.integers(0, 5000),
    st.integers(0, 100_000),
    st.none() | st.integers(0, 6000),
    st.booleans(),
)
def test_never_more_than_there_is_or_may_be(
    points, amount, least, available, payable, requested, clamps
):
    half = Fraction(1, 2)
    terms = RedemptionTerms(points, amount, least, half, clamps)
    found = redeemed(
        terms, available=available, payable_minor=payable, requested=requested
    )
    assert found.points <= min(available, available if requested is None else requested)
    assert 2 * found.amount_minor <= payable
    assert found.points % points == 0
    assert found.points * amount == found.amount_minor * points
    assert (found.points == 0) == bool(found.reason)
    assert found.points == 0 or found.points >= least
