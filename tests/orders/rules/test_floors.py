"""Which floor a unit has (S12)."""

import pytest

from orders.rules.floors import floor_of


@pytest.mark.parametrize(
    ("_case", "minimum", "cost", "margin_bp", "floor"),
    [
        ("nothing is known", None, None, None, (0, "")),
        ("a minimum price alone", 900, None, None, (900, "minimum_price")),
        ("no margin is asked", 900, 5_000, None, (900, "minimum_price")),
        ("the cost is not known", 900, None, 2_000, (900, "minimum_price")),
        ("a margin alone", None, 500, 2_000, (600, "margin")),
        ("the margin is higher", 599, 500, 2_000, (600, "margin")),
        ("the minimum price is higher", 601, 500, 2_000, (601, "minimum_price")),
        (
            "of equals what was said of this SKU",
            600,
            500,
            2_000,
            (600, "minimum_price"),
        ),
        ("a margin of nothing is the cost", None, 500, 0, (500, "margin")),
        ("a part of a unit of money is rounded up", None, 333, 1_000, (367, "margin")),
        ("a minimum price of nothing", 0, None, None, (0, "")),
        ("it costs the shop nothing", None, 0, 2_000, (0, "")),
    ],
)
def test_s12_the_floor_is_the_greater_of_minimum_price_and_margin(
    _case, minimum, cost, margin_bp, floor
):
    assert floor_of(minimum, cost, margin_bp=margin_bp) == floor
