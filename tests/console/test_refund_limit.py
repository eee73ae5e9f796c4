"""Support gives money back up to a limit per order; beyond it takes another right."""

import re

import pytest
from django.urls import reverse

from orders.models import Order, OrderLine, Refund

HASH = re.compile(r'name="quote_hash" value="([0-9a-f]{64})"')
#: One unit of the order is worth 194.00.
UNIT = 19_400


@pytest.fixture
def wizard(shop):
    """Return the wizard of an order of two units of 194.00 net."""
    sale = shop["order"]
    Refund.objects.filter(order=sale).delete()
    return reverse("admin:order_refund", args=[sale.pk])


def give_back(client, wizard, key: str, units: str = "1"):
    seen = client.post(wizard + "?preview=1", {"units-1": units}).content.decode()
    return client.post(
        wizard,
        {
            "units-1": units,
            "reason": "broken",
            "request_key": key,
            "quote_hash": HASH.search(seen).group(1),
        },
    )


def given() -> int:
    order = Order.objects.get(
        pk=OrderLine.objects.get(refunded_quantity__gt=0).order_id
    )
    return order.refunded_minor


def test_the_limit_counts_for_the_order_not_for_the_refund(wizard, signed_in, settings):
    settings.STAFF_REFUND_LIMIT_MINOR = UNIT
    support = signed_in("support")
    assert give_back(support, wizard, "one").status_code == 302
    answer = give_back(support, wizard, "two")
    assert answer.status_code == 200
    assert "without a limit" in answer.content.decode()
    assert (Refund.objects.count(), given()) == (1, UNIT)
    assert give_back(signed_in("finance"), wizard, "three").status_code == 302
    assert given() == 2 * UNIT


def test_one_minor_unit_above_is_above(wizard, signed_in, settings):
    settings.STAFF_REFUND_LIMIT_MINOR = UNIT - 1
    assert give_back(signed_in("support"), wizard, "one").status_code == 200
    assert not Refund.objects.exists()


def test_without_a_limit_support_gives_back_all(wizard, signed_in, settings):
    assert settings.STAFF_REFUND_LIMIT_MINOR is None
    assert give_back(signed_in("support"), wizard, "one", "2").status_code == 302
    assert given() == 2 * UNIT


def test_asked_again_the_first_refund_answers(wizard, signed_in, settings):
    """X1: a double click is no second refund, so no limit is asked."""
    settings.STAFF_REFUND_LIMIT_MINOR = UNIT
    support = signed_in("support")
    give_back(support, wizard, "one")
    sent = {"units-1": "1", "reason": "broken", "request_key": "one"}
    assert support.post(wizard, sent).status_code == 302
    assert Refund.objects.count() == 1
