"""Ways to pay have names."""

import pytest

from crm import wiring
from orders.models import Payment
from orders.models.order import EXCHANGE
from orders.payment_words import PROVIDERS, provider_words, tender_words


def test_every_provider_of_the_shop_has_a_name():
    assert set(PROVIDERS) == {*wiring.PAYMENT_PROVIDERS, EXCHANGE}


def test_a_provider_that_is_gone_is_called_by_its_code():
    assert provider_words("barter") == "barter"


@pytest.mark.parametrize(
    ("provider", "tender", "words"),
    [
        ("wallet", "", "stored value"),
        ("elsewhere", "cash", "paid elsewhere (cash)"),
        ("exchange", "", "exchange"),
    ],
)
def test_the_way_another_system_names_goes_along(provider, tender, words):
    assert tender_words(Payment(provider=provider, tender=tender)) == words
