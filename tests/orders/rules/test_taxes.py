"""Net and gross: rates on top, included, mixed, and fixed a unit."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.rules.taxes import NO_TAXES, Rate, Taxed, Taxes, taxed

TWENTY, SEVEN = Fraction(1, 5), Fraction(7, 100)
NET = Taxes({1: Rate(on_top=TWENTY), 2: Rate(on_top=SEVEN)}, prices="net")
GROSS = Taxes({1: Rate(included=TWENTY)})


@pytest.mark.parametrize(
    ("_case", "taxes", "amounts", "net", "gross"),
    [
        ("no tax", NO_TAXES, [(1, 1000, 1)], 1000, 1000),
        ("on top", NET, [(1, 1000, 1)], 1000, 1200),
        ("included", GROSS, [(1, 5000, 1)], 4167, 5000),
        ("mixed rates", NET, [(1, 1000, 1), (2, 1000, 1)], 2000, 2270),
        ("a line without a rate", GROSS, [(9, 1000, 1)], 1000, 1000),
        (
            "one in the price, one on top",
            Taxes({1: Rate(on_top=Fraction(1, 20), included=Fraction(1, 10))}),
            [(1, 11000, 1)],
            10000,
            11500,
        ),
        (
            "fixed a unit, untouched by what is taken off",
            Taxes({1: Rate(on_top=TWENTY, fixed_minor=50)}),
            [(1, 0, 3)],
            0,
            150,
        ),
    ],
)
def test_net_and_gross(_case, taxes, amounts, net, gross):
    assert taxed(amounts, taxes) == Taxed(net, gross)
    assert taxed(amounts, taxes).tax_minor == gross - net


def test_the_sum_of_a_rate_may_be_rounded_once():
    three = [(1, 15, 1), (1, 15, 1), (1, 15, 1)]
    rates = Taxes({1: Rate(on_top=Fraction(1, 10))})
    assert taxed(three, rates).gross_minor == 51
    assert taxed(three, rates, by_rate=True).gross_minor == 50


@pytest.mark.parametrize(
    ("basis", "as_basis", "from_basis"),
    [("gross", 1200, 1000), ("net", 1000, 1200), ("", 1200, 1200)],
)
def test_amounts_on_another_basis(basis, as_basis, from_basis):
    prices = NET if basis == "gross" else GROSS
    amount = 1000 if basis == "gross" else 1200
    assert prices.as_basis(1, amount, basis) == as_basis
    back = {"gross": 1200, "net": 1000, "": 1200}[basis]
    assert prices.from_basis(1, back, basis) == from_basis


@given(st.integers(0, 10**6), st.integers(0, 100))
def test_tax_taken_out_and_put_on_again_is_the_price(amount, percent):
    included = Taxes({1: Rate(included=Fraction(percent, 100))})
    net = included.as_basis(1, amount, "net")
    on_top = Taxes({1: Rate(on_top=Fraction(percent, 100))}, prices="net")
    assert abs(on_top.as_basis(1, net, "gross") - amount) <= 1
