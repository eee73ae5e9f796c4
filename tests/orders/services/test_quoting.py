"""Quotes: pure, and the same through every door."""

from crm.shared.models import Fact
from orders.models import Cart, Order
from orders.queries.carts import find_cart
from orders.rules.offers import Refused
from orders.services.quoting import quote_cart, quote_lines
from tests.cast import NOON
from tests.orders.shop import Off, Offers, fill_cart, line


def test_a_quote_writes_nothing(alice, tea):
    Offers.offers[:] = [Off("prm_a", 1000)]
    cart = fill_cart({"TEA": 2}, member=alice)
    before = Cart.objects.values().get()
    assert quote_cart(cart=cart, now=NOON).total_minor == 19_000
    assert Cart.objects.values().get() == before
    tea.refresh_from_db()
    assert tea.reserved == 0
    assert not (Offers.claimed or Order.objects.exists() or Fact.objects.exists())


def test_x6_loaded_or_not_a_cart_costs_the_same(alice, tea, cup):
    Offers.offers[:] = [Off("prm_a", 1000)]
    cart = fill_cart({"CUP": 3, "TEA": 2}, member=alice)
    loaded = find_cart(public_id=cart.public_id, member_id=alice.pk)
    bare = Cart.objects.get(pk=cart.pk)
    assert quote_cart(cart=loaded, now=NOON) == quote_cart(cart=bare, now=NOON)


def test_codes_nobody_knows_are_in_the_answer(alice, tea):
    cart = fill_cart({"TEA": 1}, member=alice)
    Cart.objects.update(coupon_codes=["TENOFF", "LOST"])
    quote = quote_cart(cart=Cart.objects.get(pk=cart.pk), now=NOON)
    assert [a.source_id for a in quote.applied] == ["cpn_ten"]
    (refused,) = quote.refused
    assert (refused.source_kind, refused.source_id) == ("coupon", "LOST")
    assert refused.why == Refused("coupon_not_found")


def test_lines_in_no_cart_are_priced_by_the_same_offers(db, settings):
    settings.FREIGHT_MINOR = 800
    settings.FREE_FREIGHT_FROM_MINOR = 10_000
    Offers.offers[:] = [Off("prm_a", 1000)]
    dear = quote_lines(lines=[line(1, 11_000)], now=NOON)
    cheap = quote_lines(lines=[line(1, 10_999)], now=NOON)
    assert (dear.total_minor, cheap.total_minor) == (10_000, 10_799)
