"""S26 at the console: who may, the price before and after, and what buyers see."""

import pytest
from django.urls import reverse

from crm.console.rules.roles import ROLES
from crm.shared.clock import now
from crm.shared.models import AuditEntry
from orders.models import Cart, Variant
from orders.rules.staff_discounts import StaffDiscount
from tests.campaigns.api.test_coupons import API, client_of
from tests.console.test_pages import count_queries
from tests.orders.shop import fill_cart, place

RIGHTS = {"orders.view_order", "orders.give_staff_discount"}


@pytest.fixture(autouse=True)
def limit(settings):
    settings.STAFF_DISCOUNT_LIMIT_BP = 2_000


@pytest.fixture
def cart(shop) -> Cart:
    """Return a cart of 100.00 of a member without anything else."""
    sku = Variant.objects.filter(product__kind="goods").first()
    Variant.objects.filter(pk=sku.pk).update(price_minor=5_000, on_hand=50)
    sku.prices.all().delete()
    return fill_cart({sku.sku: 2}, member=shop["members"][2])


@pytest.fixture
def page(cart):
    return reverse("admin:staff_discount", args=[cart.public_id])


def send(client, page, step, *, percent="", amount="", reason="spilled tea"):
    told = {"step": step, "percent_bp": percent, "off_minor": amount, "reason": reason}
    return client.post(page, told)


def stored(cart) -> StaffDiscount | None:
    return Cart.objects.get(pk=cart.pk).staff_discount


def totals(answer) -> list[int]:
    return [quote.total_minor for _label, quote in answer.context["prices"]]


def test_s26_the_price_is_shown_before_and_after_and_nothing_is_written(
    signed_in, page, cart
):
    client = signed_in("support")
    before, entries = totals(client.get(page)), AuditEntry.objects.count()
    answer = send(client, page, "try", percent="12.5", reason="")
    [without, tried] = totals(answer)
    assert ([without], without - tried) == (before, 1_250)
    assert (stored(cart), AuditEntry.objects.count()) == (None, entries)


def test_s26_it_is_given_replaced_and_taken_back(signed_in, page, cart):
    client = signed_in("support")
    assert send(client, page, "give", percent="10").status_code == 302
    assert stored(cart) == StaffDiscount(percent_bp=1_000)
    send(client, page, "give", amount="12.34", reason="a better reason")
    assert stored(cart) == StaffDiscount(off_minor=1_234)
    [without, stands] = totals(client.get(page))
    assert without - stands == 1_234
    send(client, page, "take_back", reason="a mistake")
    assert stored(cart) is None
    entries = AuditEntry.objects.filter(object_id=cart.public_id).order_by("pk")
    assert [each.reason for each in entries] == [
        *("spilled tea", "a better reason", "a mistake")
    ]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"percent": "20.01"}, "At most 20 %"),
        ({"amount": "20.01"}, "At most ¥20.00"),
        ({"percent": "5", "amount": "5"}, "one of the two"),
        ({}, "one of the two"),
        ({"percent": "5", "reason": " a "}, "Give a reason"),
        ({"percent": "0"}, "greater than or equal to 0.01"),
    ],
)
def test_s26_what_is_too_much_or_says_nothing_is_refused(
    signed_in, page, cart, told, said
):
    answer = send(signed_in("support"), page, "give", **told)
    assert said in answer.content.decode()
    assert stored(cart) is None


@pytest.mark.parametrize("role", [*ROLES, "nobody"])
def test_s26_it_needs_a_permission_of_its_own(role, signed_in, page, cart):
    may = role in ROLES and set(ROLES[role]) >= RIGHTS
    assert may == (role in {"support", "owner"})
    client = signed_in(role)
    assert client.get(page).status_code == (200 if may else 403)
    answer = send(client, page, "give", percent="5")
    assert answer.status_code == (302 if may else 403)
    assert (stored(cart) is not None) == may


def test_s26_only_open_carts_have_one(signed_in, page, cart):
    client = signed_in("support")
    assert client.get(reverse("admin:staff_discount", args=["x"])).status_code == 404
    place(cart, now=now())
    assert client.get(page).status_code == 404


def test_s26_who_asks_about_a_cart_finds_the_way(signed_in, page, cart):
    answer = signed_in("support").post(
        reverse("admin:why_not"), {"whose": cart.public_id}
    )
    assert page in answer.content.decode()
    answer = signed_in("analyst").post(
        reverse("admin:why_not"), {"whose": cart.public_id}
    )
    assert page not in answer.content.decode()


def test_s26_the_storefront_sees_name_and_amount_and_sets_nothing(
    signed_in, page, cart
):
    send(signed_in("support"), page, "give", percent="10", reason="spilled tea")
    Cart.objects.update(member=None)
    visitor = client_of(None)
    address = f"{API}/carts/{cart.public_id}"
    shown = visitor.get(address)
    [told] = [each for each in shown.json()["discounts"] if each["type"] == "staff"]
    assert (told["name"], told["amount"]["amount"]) == ("Staff discount", "10.00")
    assert "spilled" not in shown.content.decode()
    for name in ("staff_percent_bp", "staff_off_minor", "staff_discount"):
        visitor.patch(address, {name: 5_000}, format="json")
    assert stored(cart) == StaffDiscount(percent_bp=1_000)


def test_s26_the_order_page_names_it(signed_in, page, cart):
    client = signed_in("support")
    send(client, page, "give", percent="10")
    cart.refresh_from_db()
    order = place(cart, now=now())
    text = client.get(reverse("admin:orders_order_change", args=[order.pk]))
    assert "staff discount" in text.content.decode().lower()


def test_s26_the_page_is_cheap(signed_in, page, cart):
    Cart.objects.filter(pk=cart.pk).update(staff_percent_bp=500)
    assert count_queries(signed_in("support"), page) <= 16
