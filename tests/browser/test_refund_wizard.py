"""The refund wizard by keyboard alone, and the pages of money and goods going back."""

import pytest
from django.urls import reverse

from orders.models import Refund, ReturnRequest
from tests.browser.conftest import violations

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_refund_by_keyboard_alone(shop, open_console):
    sale = shop["order"]
    Refund.objects.filter(order=sale).delete()
    page = open_console("support")
    page.goto(reverse("admin:order_refund", args=[sale.pk]))
    page.focus("[name=units-1]")
    page.keyboard.press("Control+A")
    page.keyboard.type("1")
    page.wait_for_selector("#effect [name=quote_hash]", state="attached")
    assert "¥194.00" in page.inner_text("#effect")
    assert page.query_selector("#effect svg[role=img]")
    assert not violations(page)
    page.focus("#reason")
    page.keyboard.type("broken")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/orders/order/**/change/")
    made = Refund.objects.get(order=sale)
    assert (made.amount_minor, len(made.quote_hash)) == (19_400, 64)


def test_the_statement_and_a_return_are_accessible(shop, open_console):
    page = open_console("admin")
    refund, asked = Refund.objects.first(), ReturnRequest.objects.first()
    for name, pk in (
        ("orders_refund_change", refund.pk),
        ("orders_returnrequest_change", asked.pk),
    ):
        answer = page.goto(reverse(f"admin:{name}", args=[pk]))
        assert answer.status == 200
        assert not violations(page) + page.problems
