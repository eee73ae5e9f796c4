"""Where a cart goes: its freight, and the sealed copy an order keeps."""

import pytest
from django.db import connection

from members.models import Address
from members.services.addressing import AddressGone
from members.services.checking import BadProfile
from orders.models import Cart, FreightRule, Order, OrderAddress, Variant
from orders.services.carts import ItemGone, set_address, set_province
from orders.services.checkout import CartTotalChanged, place_order
from orders.services.quoting import quote_cart
from tests.cast import NOON
from tests.orders.shop import fill_cart, place

LINES = {
    "recipient": "Alice",
    "country": "CN",
    "province": "西藏自治区",
    "street": "Potala Road 1",
    "phone": "13800138000",
}


@pytest.fixture
def rules(db):
    FreightRule.objects.create(name="near", provinces=["上海"], first_minor=600)
    FreightRule.objects.create(
        name="far",
        provinces=["西藏"],
        first_minor=2_500,
        first_grams=1_000,
        step_grams=500,
        step_minor=300,
    )
    FreightRule.objects.create(
        name="elsewhere", first_minor=1_000, free_from_minor=30_000
    )
    FreightRule.objects.create(name="off", first_minor=1, priority=9, is_active=False)


def make_address(member, slot=1, province="上海市") -> Address:
    return Address.objects.create(
        member=member,
        slot=slot,
        recipient=member.name,
        country="CN",
        province=province,
        street="Road 1",
        created_at=NOON,
    )


def fee(cart: Cart) -> int:
    return quote_cart(cart=Cart.objects.get(pk=cart.pk), now=NOON).freight_minor


def test_a_visitor_gets_an_estimate_by_province(tea, rules):
    cart = fill_cart({"TEA": 2})
    assert fee(cart) == 1_000
    set_province(cart_id=cart.pk, province="西藏", now=NOON)
    assert fee(cart) == 2_500
    Variant.objects.update(weight_grams=601)
    assert fee(cart) == 2_800
    set_province(cart_id=cart.pk, province="", now=NOON)
    assert fee(cart) == 1_000
    assert quote_cart(cart=cart, now=NOON).free_missing_minor == 10_000


def test_an_address_knows_better_than_an_estimate(alice, tea, rules):
    cart = fill_cart({"TEA": 1}, member=alice)
    set_province(cart_id=cart.pk, province="西藏", now=NOON)
    address = make_address(alice)
    set_address(
        cart_id=cart.pk, member_id=alice.pk, address=address.public_id, now=NOON
    )
    assert fee(cart) == 600
    set_address(cart_id=cart.pk, member_id=alice.pk, address=None, now=NOON)
    assert fee(cart) == 2_500


def test_a_foreign_address_and_a_foreign_cart_are_not_there(alice, mallory, tea):
    cart, hers = fill_cart({"TEA": 1}, member=alice), make_address(mallory)
    with pytest.raises(AddressGone):
        set_address(
            cart_id=cart.pk, member_id=alice.pk, address=hers.public_id, now=NOON
        )
    with pytest.raises(ItemGone):
        set_address(
            cart_id=cart.pk, member_id=mallory.pk, address=hers.public_id, now=NOON
        )
    cart.refresh_from_db()
    assert (cart.member_id, cart.address_id) == (alice.pk, None)


def test_without_rules_the_settings_charge_a_flat_fee(tea, settings):
    settings.FREIGHT_MINOR, settings.FREE_FREIGHT_FROM_MINOR = 800, 20_000
    cart = fill_cart({"TEA": 1})
    quote = quote_cart(cart=cart, now=NOON)
    assert (quote.freight_minor, quote.free_missing_minor) == (800, 10_000)


def test_an_order_goes_to_the_address_it_names_at_the_freight_of_there(
    alice, tea, rules
):
    cart = fill_cart({"TEA": 1}, member=alice)
    make_address(alice)
    with pytest.raises(CartTotalChanged) as refusal:
        place_order(
            cart_id=cart.pk, expected_total_minor=11_000, address=LINES, now=NOON
        )
    assert refusal.value.quote.total_minor == 12_500
    assert not (Order.objects.exists() or OrderAddress.objects.exists())
    order = place_order(
        cart_id=cart.pk, expected_total_minor=12_500, address=LINES, now=NOON
    )
    assert (order.freight_minor, order.region) == (2_500, "西藏自治区")
    kept = OrderAddress.objects.get(order=order)
    assert (kept.recipient, kept.phone, kept.street) == (
        "Alice",
        "+8613800138000",
        "Potala Road 1",
    )


def test_what_cannot_be_kept_is_refused_and_nothing_is_written(alice, tea):
    cart = fill_cart({"TEA": 1}, member=alice)
    for bad in ({**LINES, "phone": "1"}, {**LINES, "street": " "}):
        with pytest.raises(BadProfile):
            place_order(
                cart_id=cart.pk, expected_total_minor=10_000, address=bad, now=NOON
            )
    assert not (Order.objects.exists() or OrderAddress.objects.exists())
    tea.refresh_from_db()
    assert tea.reserved == 0


def test_an_order_without_an_address_has_none(alice, tea):
    order = place(fill_cart({"TEA": 1}, member=alice))
    assert not OrderAddress.objects.filter(order=order).exists()
    assert order.region == ""


def test_the_copy_is_sealed(alice, tea):
    cart = fill_cart({"TEA": 1}, member=alice)
    place_order(cart_id=cart.pk, expected_total_minor=10_000, address=LINES, now=NOON)
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(a)::text FROM orders_orderaddress a")
        ((row,),) = cursor.fetchall()
    assert "Alice" not in row
    assert "Potala" not in row
