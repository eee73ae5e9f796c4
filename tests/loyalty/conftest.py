"""What several tests of loyalty begin with."""

import pytest

from loyalty.services.earning import earn_for_order
from tests.cast import NOON
from tests.loyalty.books import paid_order


@pytest.fixture
def bought(alice):
    """Four units for 400.00 that earned 400 points; no payment is in the books."""
    order = paid_order(alice, 40_000, quantity=4)
    earn_for_order(order_id=order.pk, now=NOON)
    return order
