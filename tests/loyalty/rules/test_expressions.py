"""Flat expressions are read from left to right."""

from itertools import product

import pytest

from loyalty.rules.expressions import UnreadableExpression, satisfied


@pytest.mark.parametrize(("a", "b", "c"), list(product((True, False), repeat=3)))
def test_no_join_goes_before_another(a, b, c):
    values = {"a": a, "b": b, "c": c}
    assert satisfied("a or b and c", values) is ((a or b) and c)
    assert satisfied("a and b or c", values) is ((a and b) or c)
    assert satisfied("a or (b and c)", values) is (a or (b and c))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x >= 10", True),
        ("x > 10", False),
        ("x<=10.0", True),
        ("x = 10 && not y", True),
        ("x != 10 || y", False),
        ("TRUE", True),
    ],
)
def test_comparisons(text, found):
    assert satisfied(text, {"x": "10", "y": False}) is found


@pytest.mark.parametrize("text", ["", "x >", "x y", "(x", "z", "x ~ 1", "x and"])
def test_what_cannot_be_read_is_not_guessed(text):
    with pytest.raises(UnreadableExpression):
        satisfied(text, {"x": 1})
