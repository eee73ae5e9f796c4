"""What the tests of promotions, coupons and messages use."""

import pytest

from campaigns.models import CouponTemplate, Promotion
from tests.campaigns.recipes import ladder
from tests.cast import NOON
from tests.staff import client_in_role


@pytest.fixture
def template(db):
    """Return a live template: 20.00 off from 100.00, two in stock."""
    return CouponTemplate.objects.create(
        code="twenty",
        name="二十元券",
        name_en="Twenty off",
        state=CouponTemplate.State.LIVE,
        kind="amount",
        amount_minor=2000,
        min_spend_minor=10000,
        is_claimable=True,
        stock=2,
        starts_at=NOON,
    )


@pytest.fixture
def promotion(db):
    """Return a live promotion: 50.00 off from 300.00, three uses."""
    return Promotion.objects.create(
        name="满300减50",
        name_en="50 off 300",
        state=Promotion.State.LIVE,
        **ladder((30000, 5000)),
        starts_at=NOON,
        limit_total=3,
    )


@pytest.fixture
def endless(template):
    """Return the template without an end to its stock."""
    CouponTemplate.objects.update(stock=None)
    return template


@pytest.fixture
def staff(db):
    """Return a function ``role -> signed-in client``."""
    return client_in_role
