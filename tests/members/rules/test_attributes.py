from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from members.models import AttributeDefinition
from members.rules.attributes import LONGEST_TEXT, may_use, read_value

SIZES = ["s", "m", "l"]


@pytest.mark.parametrize(
    ("kind", "given_", "kept"),
    [
        ("text", " 喜欢绿茶 ", "喜欢绿茶"),
        ("text", "e\u0301", "é"),
        ("number", 12, "12"),
        ("number", "012.50", "12.5"),
        ("number", Decimal("0.000001"), "0.000001"),
        ("number", "-0", "0"),
        ("number", "-0.50", "-0.5"),
        ("number", "1e3", "1000"),
        ("number", 123456789012345, "123456789012345"),
        ("date", "2024-02-29", "2024-02-29"),
        ("boolean", False, False),
        ("choice", "m", "m"),
        ("choices", ["l", "s"], ["s", "l"]),
    ],
)
def test_a_value_is_kept_in_one_spelling(kind, given_, kept):
    assert read_value(kind, given_, SIZES) == kept


@pytest.mark.parametrize(
    ("kind", "given_"),
    [
        ("text", ""),
        ("text", "   "),
        ("text", "x" * (LONGEST_TEXT + 1)),
        ("text", "a\x00b"),
        ("text", "a\tb"),
        ("text", 5),
        ("text", ["a"]),
        ("number", True),
        ("number", "many"),
        ("number", ""),
        ("number", "NaN"),
        ("number", "Infinity"),
        ("number", "1e400"),
        ("number", "1e-400"),
        ("number", "1_000"),
        ("number", "１２"),
        ("number", "0.1234567"),
        ("number", 1234567890123456),
        ("number", [1]),
        ("date", "2023-02-29"),
        ("date", "20240229"),
        ("date", "1899-12-31"),
        ("date", "2201-01-01"),
        ("date", 20240229),
        ("boolean", 1),
        ("boolean", "true"),
        ("choice", "xl"),
        ("choice", ["s"]),
        ("choice", ""),
        ("choices", []),
        ("choices", ["s", "s"]),
        ("choices", ["s", "xl"]),
        ("choices", "s"),
        ("choices", [["s"]]),
        ("choices", {"s": 1}),
    ],
)
def test_what_is_no_such_value_is_refused(kind, given_):
    with pytest.raises(ValueError):
        read_value(kind, given_, SIZES)


def test_every_type_of_the_model_can_be_read():
    for kind in AttributeDefinition.Kind.values:
        with pytest.raises(ValueError):
            read_value(kind, object(), SIZES)


@given(st.decimals(-(10**8), 10**8, places=6))
def test_a_number_stays_what_it_is_and_reads_again_alike(number):
    kept = read_value("number", number)
    assert Decimal(kept) == number
    assert read_value("number", kept) == kept


@given(st.one_of(st.text(), st.integers(), st.booleans(), st.lists(st.text())))
def test_whatever_comes_is_kept_or_refused_and_nothing_else(value):
    for kind in AttributeDefinition.Kind.values:
        try:
            kept = read_value(kind, value, SIZES)
        except ValueError:
            continue
        assert read_value(kind, kept, SIZES) == kept


@pytest.mark.parametrize("agreed", [set(), {"marketing"}, {"profiling"}])
@pytest.mark.parametrize("collected_for", ["", "marketing", "profiling"])
@pytest.mark.parametrize("use", ["", "marketing", "profiling"])
def test_a_value_serves_what_it_was_collected_for(collected_for, use, agreed):
    expected = {
        ("", ""): True,
        ("marketing", ""): "marketing" in agreed,
        ("marketing", "marketing"): "marketing" in agreed,
        ("profiling", ""): "profiling" in agreed,
        ("profiling", "profiling"): "profiling" in agreed,
    }
    assert may_use(collected_for, use, agreed) is expected.get(
        (collected_for, use), False
    )
