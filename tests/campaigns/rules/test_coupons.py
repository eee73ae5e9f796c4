"""Coupon codes, dates, moves and values."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.models import Coupon
from campaigns.rules.coupons import (
    ALPHABET,
    CODE_LENGTH,
    MOVES,
    CouponOffer,
    Terms,
    check_character,
    coupon_value,
    display_code,
    expiry_of,
    is_plausible,
    new_code,
    normalise_code,
)
from orders.rules.lines import PriceLine, StageLine
from orders.rules.offers import Reduction, Refused

SHANGHAI = ZoneInfo("Asia/Shanghai")


def goods(amount, position=1, kind="goods"):
    return StageLine(PriceLine(position, 1, 1, None, "S", "x", kind, 1, amount), amount)


def test_c1_every_state_has_its_moves_and_the_ends_have_none():
    assert set(MOVES) == set(Coupon.State.values)
    assert MOVES["expired"] == MOVES["revoked"] == frozenset()
    assert MOVES["used"] == {"available"}


def test_c3_ends_at_the_end_of_day_n_in_the_shops_zone():
    issued = datetime(2026, 11, 21, 17, 0, tzinfo=UTC)  # already the 22nd in Shanghai
    assert expiry_of(issued, days=1, zone=SHANGHAI) == datetime(
        2026, 11, 23, 16, 0, tzinfo=UTC
    )


@pytest.mark.parametrize("typed", ["ab2c-3d", " AB2C 3D ", "ab2c_3d", "aB2c3D\t"])
def test_c4_codes_match_after_trimming_and_upper_casing(typed):
    assert normalise_code(typed) == "AB2C3D"


def test_c4_codes_avoid_letters_people_mix_up_and_carry_64_bits():
    assert not set("01OIL") & set(ALPHABET)
    assert len(ALPHABET) ** (CODE_LENGTH - 1) >= 2**64
    codes = {new_code() for _ in range(2000)}
    assert len(codes) == 2000
    assert all(is_plausible(code) for code in codes)


@given(st.text(ALPHABET, min_size=13, max_size=13), st.integers(0, 13), st.data())
def test_the_check_character_finds_every_single_typo(random_part, at, data):
    code = random_part + check_character(random_part)
    wrong = data.draw(st.sampled_from([c for c in ALPHABET if c != code[at]]))
    assert not is_plausible(code[:at] + wrong + code[at + 1 :])


@given(st.text(ALPHABET, min_size=13, max_size=13), st.integers(0, 11))
def test_the_check_character_finds_swapped_neighbours(random_part, at):
    swapped = (
        random_part[:at] + random_part[at + 1] + random_part[at] + random_part[at + 2 :]
    )
    if swapped != random_part:
        assert not is_plausible(swapped + check_character(random_part))


def test_a_code_is_read_out_in_groups_and_read_back():
    code = new_code()
    assert normalise_code(display_code(code)) == code


@pytest.mark.parametrize(
    ("_case", "terms", "basis", "off"),
    [
        ("c15 fixed", Terms("amount", amount_minor=2000), 5000, 2000),
        ("c15 capped at the basis", Terms("amount", amount_minor=2000), 1500, 1500),
        ("c16 rounds half up", Terms("percent", percent_bp=2000), 1999, 400),
        ("c16 half a cent", Terms("percent", percent_bp=5000), 1, 1),
        ("c16 then caps", Terms("percent", percent_bp=5000, cap_minor=300), 1000, 300),
        ("c16 all of it", Terms("percent", percent_bp=10000), 777, 777),
        ("nothing to take off", Terms("percent", percent_bp=2000), 0, 0),
    ],
)
def test_what_a_coupon_takes_off(_case, terms, basis, off):
    assert coupon_value(terms, basis) == off


@given(
    st.integers(0, 10**9),
    st.integers(1, 10**9),
    st.integers(1, 10_000),
    st.none() | st.integers(0, 10**6),
)
def test_x7_a_coupon_never_takes_more_than_there_is(basis, amount, bp, cap):
    for terms in (
        Terms("amount", amount_minor=amount),
        Terms("percent", percent_bp=bp, cap_minor=cap),
    ):
        assert 0 <= coupon_value(terms, basis) <= basis


def test_c13_threshold_counts_goods_on_entering_the_stage():
    offer = CouponOffer(
        "cpn_1", "x", Terms("amount", amount_minor=500, min_spend_minor=10000)
    )
    assert offer.reduce([goods(9900), goods(5000, 2, "freight")]) == Refused(
        "coupon_min_spend_not_met", {"missing_minor": 100}
    )
    assert offer.reduce([goods(10000)]) == Reduction(
        500, (1,), trace={"basis_minor": 10000}
    )


def test_c18_a_coupon_without_effect_is_reported_not_used():
    offer = CouponOffer("cpn_1", "x", Terms("amount", amount_minor=500))
    assert offer.reduce([goods(800, kind="fee")]) == Refused(
        "coupon_products_not_eligible"
    )
