from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from crm.shared.money import (
    LARGEST_MINOR,
    InvalidAmount,
    as_api,
    cumulative_share,
    display_amount,
    format_amount,
    minor_digits,
    parse_amount,
    percent_of,
    round_half_up,
    share,
)

MINOR = st.integers(-LARGEST_MINOR, LARGEST_MINOR)
CURRENCY = st.sampled_from(["CNY", "EUR", "JPY", "KWD", "CLF"])


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12.30", "CNY", 1230),
        ("12.3", "CNY", 1230),
        ("12", "CNY", 1200),
        ("0.01", "CNY", 1),
        ("-0.01", "CNY", -1),
        ("-0", "CNY", 0),
        ("007.00", "CNY", 700),
        ("1200", "JPY", 1200),
        ("1.234", "KWD", 1234),
        ("9999999999999.99", "CNY", LARGEST_MINOR),
    ],
)
def test_reads_plain_decimals(text, currency, minor):
    assert parse_amount(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("NaN", "CNY"),
        ("Infinity", "CNY"),
        ("1e3", "CNY"),
        ("1_000", "CNY"),
        ("1,000.00", "CNY"),
        ("+1", "CNY"),
        (" 1", "CNY"),
        ("1\n", "CNY"),
        ("", "CNY"),
        (".", "CNY"),
        (".5", "CNY"),
        ("5.", "CNY"),
        ("--5", "CNY"),
        ("１２", "CNY"),
        ("٣", "CNY"),
        ("12.345", "CNY"),
        ("12.300", "CNY"),
        ("1.0", "JPY"),
        ("10000000000000.00", "CNY"),
        ("9" * 100_000, "CNY"),
        (12, "CNY"),
        (None, "CNY"),
    ],
)
def test_refuses_what_is_no_amount(text, currency):
    with pytest.raises(InvalidAmount):
        parse_amount(text, currency)


@pytest.mark.parametrize("code", ["cny", "CN", "CNYX", "", "C1Y", "ＣＮＹ", None])
def test_refuses_what_is_no_currency(code):
    with pytest.raises(ValueError, match="currency code"):
        minor_digits(code)


@given(MINOR, CURRENCY)
def test_format_and_parse_are_inverse(minor, currency):
    assert parse_amount(format_amount(minor, currency), currency) == minor


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [
        (123450, "CNY", "¥1,234.50"),
        (123456750, "CNY", "¥1,234,567.50"),
        (0, "CNY", "¥0.00"),
        (-5, "CNY", "-¥0.05"),
        (1000, "JPY", "JPY 1,000"),
        (1000, "EUR", "€10.00"),
    ],
)
def test_display_groups_thousands(minor, currency, shown):
    assert display_amount(minor, currency) == shown


def test_api_writes_amount_and_currency():
    assert as_api(-1230, "CNY") == {"amount": "-12.30", "currency": "CNY"}


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**6))
def test_rounding_is_half_away_from_zero(numerator, denominator):
    rounded = round_half_up(numerator, denominator)
    exact = Fraction(numerator, denominator)
    assert abs(rounded - exact) <= Fraction(1, 2)
    if abs(rounded - exact) == Fraction(1, 2):
        assert abs(rounded) > abs(exact)
    assert round_half_up(-numerator, denominator) == -rounded


@pytest.mark.parametrize("denominator", [0, -3])
def test_rounding_refuses_a_denominator_that_is_not_positive(denominator):
    with pytest.raises(ValueError, match="denominator"):
        round_half_up(1, denominator)


@pytest.mark.parametrize(
    ("amount", "bp", "result"),
    [(1999, 1250, 250), (100, 50, 1), (100, 49, 0), (-100, 50, -1), (333, 10000, 333)],
)
def test_percent_rounds_half_up_once(amount, bp, result):
    assert percent_of(amount, bp) == result


def test_r2_cumulative_share_of_three_units():
    cumulated = [cumulative_share(10000, k, 3) for k in range(4)]
    steps = [b - a for a, b in zip(cumulated, cumulated[1:], strict=False)]
    assert steps == [3333, 3334, 3333]


@given(st.integers(0, 10**9), st.integers(1, 500))
def test_r2_units_add_up_to_the_whole_and_differ_by_one_at_most(total, of):
    values = [cumulative_share(total, k, of) for k in range(of + 1)]
    steps = [b - a for a, b in zip(values, values[1:], strict=False)]
    assert values[0] == 0
    assert sum(steps) == total
    assert max(steps) - min(steps) <= 1


@pytest.mark.parametrize(("taken", "of"), [(-1, 3), (4, 3), (0, 0), (1, -1)])
def test_r2_refuses_more_units_than_there_are(taken, of):
    with pytest.raises(ValueError, match="cannot be taken"):
        cumulative_share(100, taken, of)


@pytest.mark.parametrize(
    ("_case", "total", "weights", "caps", "parts"),
    [
        ("S9 tie to the earlier", 1000, [10000] * 3, None, [334, 333, 333]),
        ("S9 tie to the larger", 1000, [3333, 3333, 3334], None, [333, 333, 334]),
        ("S9 tie to the larger, though later", 2, [1, 3], None, [0, 2]),
        ("S10 one too many", 3, [1, 1], [1, 5], [1, 2]),
        ("largest remainder first", 10, [6, 3, 2], None, [5, 3, 2]),
        ("zero weight takes nothing", 10, [0, 5], None, [0, 10]),
        ("all zero is all equal", 10, [0, 0, 0], None, [4, 3, 3]),
        ("nothing to share", 0, [1, 2], None, [0, 0]),
        ("nobody and nothing", 0, [], None, []),
        ("S10 full gives to others", 100, [50, 50], [20, 90], [20, 80]),
        ("S10 in proportion", 100, [50, 30, 20], [10, 99, 99], [10, 54, 36]),
        ("S10 one after the other", 90, [60, 30, 10], [20, 31, 99], [20, 31, 39]),
        ("S10 shrinks when all full", 100, [50, 50], [20, 30], [20, 30]),
        ("S10 weightless takes last", 80, [100, 0], [50, 100], [50, 30]),
        ("S10 caps of zero", 80, [1, 1], [0, 0], [0, 0]),
        ("S10 exactly full", 50, [20, 30], [20, 30], [20, 30]),
    ],
)
def test_share(_case, total, weights, caps, parts):
    assert share(total, weights, caps) == parts


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**9), min_size=1, max_size=30))
def test_s9_parts_add_up_and_are_near_their_exact_share(total, weights):
    parts = share(total, weights)
    assert sum(parts) == total
    assume(sum(weights) > 0)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights))) < 1


@given(
    st.integers(0, 10**6),
    st.lists(
        st.tuples(st.integers(0, 10**4), st.integers(0, 10**5)), min_size=1, max_size=20
    ),
)
def test_s10_caps_hold_and_the_sum_is_exact(total, lines):
    weights, caps = zip(*lines, strict=True)
    parts = share(total, weights, caps)
    assert sum(parts) == min(total, sum(caps))
    assert all(0 <= part <= cap for part, cap in zip(parts, caps, strict=True))


@given(
    st.integers(0, 12),
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=6),
)
def test_s10_caps_hold_for_the_last_cents_too(total, lines):
    weights, caps = zip(*lines, strict=True)
    parts = share(total, weights, caps)
    assert sum(parts) == min(total, sum(caps))
    assert all(0 <= part <= cap for part, cap in zip(parts, caps, strict=True))


@given(
    st.integers(0, 10**4),
    st.lists(st.integers(1, 10**4), min_size=2, max_size=8, unique=True),
)
def test_s9_a_larger_weight_never_gets_less(total, weights):
    parts = share(total, weights)
    ordered = [part for _weight, part in sorted(zip(weights, parts, strict=True))]
    assert ordered == sorted(ordered)


@given(
    st.integers(0, 10**4),
    st.lists(st.integers(1, 10**4), min_size=2, max_size=8, unique=True),
    st.randoms(use_true_random=False),
)
def test_s9_the_order_of_different_lines_does_not_matter(total, weights, random):
    mixed = list(weights)
    random.shuffle(mixed)
    assert dict(zip(weights, share(total, weights), strict=True)) == dict(
        zip(mixed, share(total, mixed), strict=True)
    )


@pytest.mark.parametrize(
    ("total", "weights", "caps"),
    [
        (-1, [1], None),
        (1, [-1, 2], None),
        (1, [], None),
        (1, [1, 1], [1]),
        (1, [1], [-1]),
    ],
)
def test_share_refuses_nonsense(total, weights, caps):
    with pytest.raises(ValueError):  # noqa: PT011
        share(total, weights, caps)
