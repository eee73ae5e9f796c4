"""Staff ask why a code does nothing, and read what the member is told."""

import pytest
from django.urls import reverse

from campaigns.models import Coupon, CouponTemplate
from campaigns.services.issuing import issue_coupon
from crm.console.rules.roles import ROLES
from crm.shared.clock import now
from crm.shared.models import Allowance, AuditEntry
from orders.models import Cart, Variant
from tests.console.test_pages import count_queries
from tests.orders.shop import fill_cart

RIGHTS = {"orders.view_order", "campaigns.view_coupon", "campaigns.view_promotion"}


@pytest.fixture
def page(shop):
    return reverse("admin:why_not")


@pytest.fixture
def cart(shop):
    """A cart of the busy member, 10.00 short of what their coupon wants."""
    Coupon.objects.filter(member=shop["busy"]).delete()
    template = shop["template"]
    CouponTemplate.objects.filter(pk=template.pk).update(
        kind="amount", amount_minor=2_000, min_spend_minor=10_000
    )
    issue_coupon(
        template_id=template.pk, member_id=shop["busy"].pk, source="t", now=now()
    )
    sku = Variant.objects.filter(product__kind="goods").first()
    Variant.objects.filter(pk=sku.pk).update(price_minor=9_000, on_hand=50)
    return fill_cart({sku.sku: 1}, member=shop["busy"])


def ask(client, page, whose, code=""):
    return client.post(page, {"whose": whose, "code": code})


def test_by_member_number_and_by_cart_the_same_is_read(shop, signed_in, page, cart):
    client = signed_in("support")
    for whose in (shop["busy"].number, shop["busy"].public_id, cart.public_id):
        text = ask(client, page, f" {whose} ").content.decode()
        assert "Spend ¥10.00 more to use this coupon." in text, whose
        assert "Spend ¥10.00 more. Then it saves ¥20.00" in text


@pytest.mark.parametrize("code", ["NOSUCH", "23456789ABCDE3"])
def test_a_wrong_code_is_told_as_one_and_not_counted(signed_in, page, cart, code):
    answer = ask(signed_in("support"), page, cart.public_id, code)
    assert "This coupon code is not valid." in answer.content.decode()
    assert not Allowance.objects.exists()


def test_numbers_of_nobody_and_of_nothing_are_told(shop, signed_in, page):
    client = signed_in("support")
    other = shop["members"][2]
    for whose in ("M0", "crt_unknown", other.number, ""):
        answer = ask(client, page, whose)
        assert answer.context["answers"] is None
        assert answer.context["form"].errors["whose"]


def test_asking_writes_nothing(signed_in, page, cart):
    before = AuditEntry.objects.count(), list(Cart.objects.values())
    ask(signed_in("support"), page, cart.public_id, "NOSUCH")
    assert (AuditEntry.objects.count(), list(Cart.objects.values())) == before


@pytest.mark.parametrize("role", [*ROLES, "nobody"])
def test_who_sees_orders_coupons_and_promotions_may_ask(role, signed_in, page, cart):
    allowed = role in ROLES and set(ROLES[role]) >= RIGHTS
    client = signed_in(role)
    statuses = client.get(page).status_code, ask(client, page, "x").status_code
    assert statuses == ((200, 200) if allowed else (403, 403))


def test_support_may_ask(signed_in, page):
    assert set(ROLES["support"]) >= RIGHTS
    assert page.encode() in signed_in("support").get(reverse("admin:index")).content


def test_a_member_is_sent_to_the_sign_in(client, page):
    assert client.get(page).status_code == 302


def test_the_page_is_cheap(signed_in, page):
    assert count_queries(signed_in("support"), page) <= 8
