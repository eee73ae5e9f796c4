"""The last units of a gift, wanted by many at once (S17); with its control."""

import pytest
from django.db.models import F

from crm import wiring
from orders.models import Order, OrderLine, Variant
from orders.services import checkout
from orders.services.checkout import CartTotalChanged, place_order
from orders.services.quoting import quote_cart
from orders.services.verifying_stock import verify_stock
from tests.cast import NOON, make_member, make_variant
from tests.faults.callers import all_at_once, rendezvous, without
from tests.orders.gifts import SOURCE, GiftOffers, gift_from
from tests.orders.shop import fill_cart

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def gifts_of_the_shop(monkeypatch):
    monkeypatch.setattr(wiring, "OFFER_SOURCES", [SOURCE])
    monkeypatch.setattr(GiftOffers, "promotions", [gift_from(5_000, "MUG", "PEN")])


def carts_with_gifts(count: int, *, mugs: int, pens: int) -> list[tuple[int, str]]:
    """Return carts of as many buyers, each shown the mug, with what they were shown."""
    make_variant("TEA", 10_000, on_hand=1_000)
    make_variant("MUG", 1_500, on_hand=mugs)
    make_variant("PEN", 300, on_hand=pens)
    carts = [
        fill_cart({"TEA": 1}, member=make_member(serial))
        for serial in range(1, count + 1)
    ]
    return [(cart.pk, quote_cart(cart=cart, now=NOON).hash) for cart in carts]


def gifts_given() -> dict[str, int]:
    rows = OrderLine.objects.filter(gift_of__isnull=False).values_list("sku", flat=True)
    return {sku: list(rows).count(sku) for sku in set(rows)}


@pytest.mark.parametrize(
    "count", [20, pytest.param(500, marks=pytest.mark.slow)], ids=str
)
def test_s17_the_last_gift_goes_once_and_nobody_is_kept_from_buying(count):
    carts = carts_with_gifts(count, mugs=1, pens=3)

    def buy(number: int) -> str:
        cart_id, seen = carts[number]
        for attempt in range(20):
            try:
                place_order(cart_id=cart_id, quote_hash=seen, now=NOON)
            except CartTotalChanged as changed:
                seen = changed.quote.hash
            else:
                return "at once" if attempt == 0 else "after a new price"
        return "never"

    outcome = all_at_once(count, buy)
    assert outcome == {"at once": 1, "after a new price": count - 1}
    assert Order.objects.count() == count
    assert gifts_given() == {"MUG": 1, "PEN": 3}
    assert dict(Variant.objects.values_list("sku", "reserved")) == {
        "TEA": count,
        "MUG": 1,
        "PEN": 3,
    }
    assert verify_stock().findings == ()


def test_control_without_the_condition_the_last_gift_is_given_twice(monkeypatch):
    carts = carts_with_gifts(4, mugs=1, pens=0)
    meet = rendezvous(4)
    without("orders_variant", "variant_reserved_is_within_stock")

    def read_then_write(quantities, **_why):
        found = Variant.objects.in_bulk(list(quantities))
        meet()
        for pk, quantity in sorted(quantities.items()):
            assert found[pk].on_hand - found[pk].reserved >= quantity
            Variant.objects.filter(pk=pk).update(reserved=F("reserved") + quantity)

    monkeypatch.setattr(checkout, "reserve_stock", read_then_write)

    def buy(number: int) -> str:
        cart_id, seen = carts[number]
        place_order(cart_id=cart_id, quote_hash=seen, now=NOON)
        return "placed"

    assert all_at_once(4, buy)["placed"] > 1
    assert gifts_given()["MUG"] > 1
    assert Variant.objects.get(sku="MUG").reserved > 1
