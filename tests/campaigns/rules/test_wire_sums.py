"""Sums of the wire format that hold for any cart: refunds and shared budgets."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.rules.wire.cases import answer_case


def amounts(least, most):
    return st.integers(least, most).map(lambda cents: f"{Decimal(cents) / 100:.2f}")


#: A unit that comes to nothing is no refund: none costs less than the discount.
LINES = st.lists(
    st.tuples(
        amounts(500, 5_000), st.integers(1, 4), st.sampled_from(["0", "7", "19"])
    ),
    min_size=1,
    max_size=4,
).map(
    lambda made: [
        {"id": f"l{n}", "sku": f"S{n}", "unit_price": cost, "qty": qty, "tax_rate": tax}
        for n, (cost, qty, tax) in enumerate(made)
    ]
)


def off(name, value, **more):
    return {
        "id": name,
        "trigger": "automatic",
        "target": "order",
        "benefit": {"type": "amount", "value": value, "per": "order"},
        **more,
    }


@pytest.mark.parametrize("level", ["unit", "line", "order", "per_tax_group"])
@pytest.mark.parametrize("includes", [True, False])
@settings(max_examples=20, deadline=None)
@given(lines=LINES, value=amounts(1, 400), seed=st.randoms(use_true_random=False))
def test_r2_units_refunded_one_by_one_give_back_what_was_paid(
    level, includes, lines, value, seed
):
    units = [line["id"] for line in lines for _unit in range(line["qty"])]
    seed.shuffle(units)
    told = answer_case(
        {
            "id": 1,
            "given": {
                "currency": "EUR",
                "lines": lines,
                "promotions": [off("p", value)],
                "tax": {"prices_include_tax": includes},
                "policies": {"rounding.level": level},
            },
            "steps": [
                {"do": "refund_order", "lines": [{"line": name, "qty": 1}]}
                for name in units
            ],
        }
    )
    back = [Decimal(step["refund_total"]) for step in told["steps"]]
    assert sum(back) == Decimal(told["total"])
    assert all(each >= 0 for each in back)


@settings(max_examples=50, deadline=None)
@given(
    lines=LINES,
    values=st.lists(amounts(1, 5_000), min_size=1, max_size=4),
    limit=amounts(1, 5_000),
    own=st.none() | amounts(1, 5_000),
)
def test_s21_promotions_of_a_campaign_never_give_more_than_its_budget(
    lines, values, limit, own
):
    campaign = {"id": "c", "budget": {"type": "spend", "limit": limit, "used": "0"}}
    promotions = [
        off(f"p{n}", value, campaign=campaign) for n, value in enumerate(values)
    ]
    if own is not None:
        promotions[-1]["limits"] = {"discount_budget": own}
    asked = {"currency": "EUR", "lines": lines, "promotions": promotions}
    told = answer_case({"id": 1, "given": asked})
    goods = sum(Decimal(e["unit_price"]) * e["qty"] for e in lines)
    wanted = [Decimal(value) for value in values]
    if own is not None:
        wanted[-1] = min(wanted[-1], Decimal(own))
    taken = Decimal(told["discount_total"])
    assert taken == min(sum(wanted), Decimal(limit), goods)
