"""The answer to why a code does nothing, by eye and by ear."""

import pytest

from orders.models import Variant
from tests.browser.conftest import violations
from tests.browser.test_console import settled
from tests.orders.shop import fill_cart

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize("width", [320, 1280])
def test_the_answer_is_accessible_and_fits(width, shop, open_console):
    sku = Variant.objects.filter(product__kind="goods").first().sku
    fill_cart({sku: 1}, member=shop["busy"])
    page = open_console(width=width)
    settled(page, "/admin/why-not/")
    page.get_by_label("Member number or cart").fill(shop["busy"].number)
    page.get_by_role("button", name="Ask").click()
    page.get_by_role("heading", name="Answer").wait_for()
    assert violations(page) == []
    assert page.problems == []
    beyond = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert beyond <= 0
