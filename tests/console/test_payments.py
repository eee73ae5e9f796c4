"""The pages of payments: how the money came, and how much."""

import pytest
from django.urls import reverse

from orders.models import Payment


@pytest.fixture
def paid(shop):
    """Return a payment of 388.00 that came by the test provider."""
    payment = Payment.objects.filter(order=shop["order"], state="captured").get()
    payment.provider, payment.tender = "test", ""
    payment.save(update_fields=["provider", "tender"])
    return payment


@pytest.mark.parametrize(
    ("language", "words"), [("en", "test provider"), ("zh-hans", "测试支付")]
)
def test_the_list_and_the_page_name_the_provider(paid, signed_in, language, words):
    client = signed_in("finance")
    there = {"headers": {"accept-language": language}}
    listed = client.get(reverse("admin:orders_payment_changelist"), **there)
    shown = client.get(reverse("admin:orders_payment_change", args=[paid.pk]), **there)
    for answer in (listed, shown):
        text = answer.content.decode()
        assert words in text
        assert "¥388.00" in text
        assert ">test<" not in text


def test_another_system_names_its_way(paid, signed_in):
    Payment.objects.filter(pk=paid.pk).update(provider="elsewhere", tender="cash")
    page = signed_in("finance").get(
        reverse("admin:orders_payment_change", args=[paid.pk])
    )
    assert "paid elsewhere (cash)" in page.content.decode()
