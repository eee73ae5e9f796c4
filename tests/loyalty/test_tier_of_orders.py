"""What tier an order was priced with, and that the order keeps it (T16)."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm import wiring
from loyalty.services.pinning import pin_tier
from orders.models import Order, Price
from orders.services.checkout import CartTotalChanged, place_order
from orders.services.quoting import quote_cart
from tests.cast import NOON, make_variant
from tests.orders.shop import fill_cart, pay, place
from tests.staff import client_in_role

REAL = [
    "campaigns.offers.PromotionOffers",
    "campaigns.offers.CouponOffers",
    "loyalty.offers.PointsOffers",
]


@pytest.fixture(autouse=True)
def real_sources(monkeypatch):
    monkeypatch.setattr(wiring, "OFFER_SOURCES", REAL)


@pytest.fixture
def cup(db):
    """A cup that costs gold members less."""
    cup = make_variant("MUG", 10_000)
    Price.objects.create(
        variant=cup,
        kind="member",
        audience="tier:gold",
        amount_minor=8_000,
        starts_at=NOON,
        created_at=NOON,
    )
    return cup


def hold(member, code: str, *, at=NOON) -> None:
    """Put a member on a tier of the main ladder."""
    pin_tier(
        member_id=member.pk,
        ladder="main",
        tier=code,
        until=None,
        reason="x",
        actor="t",
        now=at,
    )


def test_t16_the_price_is_that_of_the_tier_and_the_order_keeps_it(alice, cup):
    hold(alice, "gold")
    order = place(fill_cart({"MUG": 1}, member=alice))
    assert (order.total_minor, order.audiences) == (8_000, ["tier:gold"])

    hold(alice, "silver", at=NOON + timedelta(minutes=1))
    pay(order, now=NOON + timedelta(minutes=2))
    order.refresh_from_db()
    assert (order.total_minor, order.audiences) == (8_000, ["tier:gold"])


def test_t16_a_tier_that_changed_its_price_meanwhile_asks_the_buyer_again(alice, cup):
    hold(alice, "gold")
    cart = fill_cart({"MUG": 1}, member=alice)
    seen = quote_cart(cart=cart, now=NOON)
    hold(alice, "silver", at=NOON + timedelta(minutes=1))

    with pytest.raises(CartTotalChanged) as refused:
        place_order(cart_id=cart.pk, quote_hash=seen.hash, now=NOON)

    assert refused.value.quote.total_minor == 10_000
    assert not Order.objects.exists()
    again = place_order(cart_id=cart.pk, quote_hash=refused.value.quote.hash, now=NOON)
    assert (again.total_minor, again.audiences) == (10_000, ["tier:silver"])


def test_t16_a_tier_that_changed_no_price_is_copied_as_of_the_order(alice):
    make_variant("TEA", 10_000)
    hold(alice, "gold")
    cart = fill_cart({"TEA": 1}, member=alice)
    seen = quote_cart(cart=cart, now=NOON)
    hold(alice, "silver", at=NOON + timedelta(minutes=1))
    order = place_order(cart_id=cart.pk, quote_hash=seen.hash, now=NOON)
    assert order.audiences == ["tier:silver"]


def test_t16_what_the_price_went_by_is_not_read_again(alice, cup):
    hold(alice, "gold")
    cart = fill_cart({"MUG": 1}, member=alice)
    quote = quote_cart(cart=cart, now=NOON)
    with CaptureQueriesContext(connection) as captured:
        place_order(cart_id=cart.pk, quote_hash=quote.hash, now=NOON)
    asked = [each["sql"] for each in captured if "FROM loyalty_program" in each["sql"]]
    assert len(asked) == 1


def test_t16_a_visitor_belongs_to_nothing(cup):
    assert place(fill_cart({"MUG": 1})).audiences == []


def test_t16_sales_can_be_summed_by_the_tier_of_the_day(alice, bob, cup):
    for member, code in ((alice, "gold"), (bob, "silver")):
        hold(member, code)
        place(fill_cart({"MUG": 2}, member=member))
        hold(member, "member", at=NOON + timedelta(hours=1))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT mark, sum(total_minor) FROM orders_order, unnest(audiences) mark "
            "WHERE mark LIKE 'tier:%' GROUP BY 1 ORDER BY 1"
        )
        assert cursor.fetchall() == [("tier:gold", 16_000), ("tier:silver", 20_000)]


def test_t16_staff_see_it_on_the_page_of_the_order(alice, cup):
    hold(alice, "gold")
    order = place(fill_cart({"MUG": 1}, member=alice))
    page = reverse("admin:orders_order_change", args=[order.pk])
    shown = client_in_role("owner").get(page, headers={"accept-language": "en"})
    assert "Bought as" in shown.content.decode()
    assert "Gold" in shown.content.decode()
