"""What every test of orders may use."""

import pytest

from crm import wiring
from orders.providers.test import TestProvider
from tests.cast import make_variant
from tests.orders.shop import Codes, Offers


@pytest.fixture(autouse=True)
def own_offers(monkeypatch):
    """Let tests say who lowers a price; nobody does by default."""
    paths = ["tests.orders.shop.Offers", "tests.orders.shop.Codes"]
    monkeypatch.setattr(wiring, "OFFER_SOURCES", paths)
    monkeypatch.setattr(Offers, "offers", [])
    monkeypatch.setattr(Offers, "claimed", [])
    monkeypatch.setattr(Codes, "claimed", Offers.claimed)


@pytest.fixture(autouse=True)
def fresh_gateway(monkeypatch):
    """Begin with a gateway that remembers nothing and works."""
    monkeypatch.setattr(TestProvider, "given_back", {})
    monkeypatch.setattr(TestProvider, "asked", type(TestProvider.asked)())
    monkeypatch.setattr(TestProvider, "outages", 0)
    monkeypatch.setattr(TestProvider, "refuses", False)
    monkeypatch.setattr(TestProvider, "outcomes", {})


@pytest.fixture
def tea(db):
    """Return a SKU at 100.00, of which there are five."""
    return make_variant("TEA", 10_000, on_hand=5)


@pytest.fixture
def cup(db):
    """Return a SKU at 33.33 whose stock is not kept."""
    return make_variant("CUP", 3_333)
