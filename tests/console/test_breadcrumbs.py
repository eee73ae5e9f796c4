"""The way to a page, above it: nouns begin with a capital, rows have their names."""

import re

import pytest
from django.urls import reverse

from orders.models import FreightRule, Payment


def crumbs(page) -> list[str]:
    """Return the titles of the way to a page."""
    found = re.findall(
        r'<(?:a href="[^"]+"|span) class="align-middle inline-block[^"]*">\s*(.*?)\s*</',
        page.content.decode(),
        re.DOTALL,
    )
    assert found
    return found


def test_a_public_id_stays_as_it_is(signed_in, shop):
    payment = Payment.objects.first()
    url = reverse("admin:orders_payment_change", args=[payment.pk])
    assert crumbs(signed_in().get(url)) == ["Orders", "Payments", payment.public_id]


@pytest.mark.parametrize("name", ["near", "Near", "上海"])
def test_a_name_stays_as_somebody_wrote_it(signed_in, name):
    rule = FreightRule.objects.create(name=name, first_minor=600)
    url = reverse("admin:orders_freightrule_change", args=[rule.pk])
    assert crumbs(signed_in().get(url)) == ["Orders", "Freight rules", name]
