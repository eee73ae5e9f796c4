"""Proofs run against the real offers: promotions, coupons and points."""

import pytest


@pytest.fixture(autouse=True)
def own_offers():
    """Leave the offer sources as the shop wires them."""
