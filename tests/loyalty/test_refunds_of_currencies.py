"""A refund says of every counted currency what it takes, and takes that (P19)."""

from collections import Counter

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loyalty.models import VALUE, Currency, QualifyingEntry
from loyalty.services.earning import earn_for_order
from tests.cast import NOON
from tests.loyalty.books import assert_sound, paid_order, rule
from tests.loyalty.test_refunds_by_line import refunded

pytestmark = pytest.mark.django_db

CODES = ("stars", "stamps")
#: What is paid for a unit of a line, and how many units it has.
LINES = st.lists(
    st.tuples(st.integers(0, 9_999), st.integers(1, 4)), min_size=1, max_size=3
)
AWARDS = st.lists(
    st.tuples(
        st.sampled_from(["per_amount", "per_unit", "per_order"]),
        st.integers(1, 7),
        st.booleans(),
    ),
    min_size=2,
    max_size=2,
)
#: Which line, and how many units of it; what is not there is left out.
RETURNS = st.lists(
    st.dictionaries(st.integers(1, 3), st.integers(1, 4), min_size=1),
    min_size=1,
    max_size=4,
)


def order_of(member, lines):
    """Write a paid order of some units of each line."""
    (first, units), *others = [(price * count, count) for price, count in lines]
    extra = tuple(("goods", net) for net, _count in others)
    order = paid_order(member, first, quantity=units, extra=extra)
    for position, (net, count) in enumerate(others, start=2):
        order.lines.filter(position=position).update(
            quantity=count, unit_price_minor=net // count
        )
    return order


def taken(done) -> Counter[str]:
    """Return by code what effects take of each currency."""
    numbers: Counter[str] = Counter()
    for code, params in done:
        if code == "currency_taken":
            numbers[params["currency"]] += params["count"]
        if code == "value_taken":
            numbers[VALUE] += params["value_minor"]
    return numbers


def held() -> Counter[str]:
    """Return what is counted of each currency now."""
    numbers: Counter[str] = Counter()
    for code, value in QualifyingEntry.objects.values_list("currency", "value_minor"):
        numbers[code] += value
    return numbers


def try_out(member, lines, awards, returns) -> None:
    """Earn, give units back in portions, then the rest; compare at each step."""
    order = order_of(member, lines)
    for code, (award, points, is_of_line) in zip(CODES, awards, strict=True):
        Currency.objects.create(code=code, name=code)
        only = {"field": "line.sku", "is": "in", "value": [f"{order.number}-1"]}
        fields = {"condition": only} if is_of_line else {}
        rule(code, currency_id=code, award=award, points=points, **fields)
    earn_for_order(order_id=order.pk, now=NOON)
    left = {at: units for at, (_net, units) in enumerate(lines, start=1)}
    for wanted in [*returns, dict(left)]:
        items = {at: min(count, left.get(at, 0)) for at, count in wanted.items()}
        items = {at: count for at, count in items.items() if count}
        if not items:
            continue
        for at, count in items.items():
            left[at] -= count
        before = held()
        told = taken(refunded(order, items))
        before.subtract(told)
        assert held() == before
    assert not any(held().values()), "all units are back"
    assert_sound()


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(lines=LINES, awards=AWARDS, returns=RETURNS)
def test_p19_what_a_refund_says_of_currencies_is_what_it_takes(
    alice, lines, awards, returns
):
    """A line of nothing, units in any portions: said is done, and all is all."""
    with transaction.atomic():
        try_out(alice, lines, awards, returns)
        transaction.set_rollback(True)
