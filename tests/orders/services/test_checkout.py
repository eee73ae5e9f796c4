"""From cart to order: one transaction, at the price the buyer saw, once."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.shared.errors import Refusal
from crm.shared.models import Fact
from members.models import Member
from orders.models import Allocation, Cart, Order, OrderLine, Variant
from orders.rules.offers import Stage
from orders.services.carts import (
    ItemGone,
    ItemUnavailable,
    NotInChannel,
    add_item,
    create_cart,
)
from orders.services.checkout import (
    CartEmpty,
    CartTotalChanged,
    MemberMayNotOrder,
    place_order,
)
from orders.services.quoting import quote_cart
from orders.services.stocking import OutOfStock
from tests.cast import NOON, make_channel, make_variant, put_in_state
from tests.orders.shop import Off, Offers, fill_cart, place


def nothing_was_written():
    return not (
        Order.objects.exists()
        or OrderLine.objects.exists()
        or Fact.objects.exists()
        or Variant.objects.filter(reserved__gt=0).exists()
        or Offers.claimed
    )


def test_what_is_limited_to_a_channel_is_ordered_there_alone(tea):
    store = make_channel("store")
    for channel in ("", make_channel("web").code):
        cart = create_cart(member_id=None, channel_code=channel, now=NOON)
        add_item(cart_id=cart.pk, sku="TEA", quantity=1, now=NOON)
        tea.product.channels.set([store])  # While it lay in the cart.
        with pytest.raises(NotInChannel):
            place_order(cart_id=cart.pk, expected_total_minor=10_000, now=NOON)
        tea.product.channels.clear()
    assert not Order.objects.exists()
    tea.product.channels.set([store])
    cart = create_cart(member_id=None, channel_code="store", now=NOON)
    add_item(cart_id=cart.pk, sku="TEA", quantity=1, now=NOON)
    order = place_order(cart_id=cart.pk, expected_total_minor=10_000, now=NOON)
    assert order.channel_id == store.pk


def test_an_order_keeps_every_sum_of_its_quote(alice, tea, cup):
    Offers.offers[:] = [
        Off("prm_a", 1000),
        Off("pts", 500, stage=Stage.POINTS, points=50),
    ]
    cart = fill_cart({"TEA": 2, "CUP": 3}, member=alice)
    order = place(cart)

    assert (order.goods_minor, order.discount_minor, order.freight_minor) == (
        29_999,
        1_500,
        0,
    )
    assert (order.total_minor, order.points_spent) == (28_499, 50)
    assert (order.state, order.member_id, order.source) == (
        "pending",
        alice.pk,
        "storefront",
    )
    assert (order.payment_due_at - NOON).total_seconds() == 30 * 60
    lines = list(order.lines.order_by("position"))
    assert [(e.sku, e.quantity, e.gross_minor) for e in lines] == [
        ("TEA", 2, 20_000),
        ("CUP", 3, 9_999),
    ]
    for line in lines:
        taken = sum(a.amount_minor for a in line.allocations.all())
        assert line.discount_minor == taken
    by_source = Allocation.objects.filter(line__order=order)
    assert sum(a.amount_minor for a in by_source.filter(source_id="prm_a")) == 1000
    assert sum(a.points for a in by_source.filter(source_id="pts")) == 50
    tea.refresh_from_db()
    assert (tea.on_hand, tea.reserved) == (5, 2)
    # Points before promotions: the lock order of the house.
    assert Offers.claimed == [("pts", order.pk), ("prm_a", order.pk)]
    assert [f.name for f in Fact.objects.all()] == ["orders.OrderPlaced"]
    assert order.events.get().to_state == "pending"


def test_a_cart_becomes_one_order_however_often_it_is_placed(alice, tea):
    cart = fill_cart({"TEA": 1}, member=alice)
    first = place(cart)
    again = place_order(
        cart_id=cart.pk, member_id=alice.pk, expected_total_minor=1, now=NOON
    )
    assert again.pk == first.pk
    tea.refresh_from_db()
    assert tea.reserved == 1


def test_s27_another_price_than_the_buyer_saw_is_refused_with_the_new_one(alice, tea):
    cart = fill_cart({"TEA": 1}, member=alice)
    seen = quote_cart(cart=cart, now=NOON)
    Variant.objects.filter(sku="TEA").update(price_minor=10_001)
    for agreed in ({"quote_hash": seen.hash}, {"expected_total_minor": 10_000}):
        with pytest.raises(CartTotalChanged) as refusal:
            place_order(cart_id=cart.pk, now=NOON, **agreed)
        assert refusal.value.quote.total_minor == 10_001
    assert nothing_was_written()


def test_the_buyer_must_have_agreed_to_something(alice, tea):
    cart = fill_cart({"TEA": 1}, member=alice)
    with pytest.raises(ValueError, match="agreed"):
        place_order(cart_id=cart.pk, now=NOON)


def test_an_empty_cart_is_refused(alice):
    with pytest.raises(CartEmpty):
        place(fill_cart({}, member=alice))


@pytest.mark.parametrize(
    "change", [{"is_active": False}, {"product__is_listed": False}]
)
def test_what_is_no_longer_sold_is_refused(alice, tea, change):
    cart = fill_cart({"TEA": 1}, member=alice)
    if "is_active" in change:
        Variant.objects.update(is_active=False)
    else:
        tea.product.is_listed = False
        tea.product.save()
    with pytest.raises(ItemUnavailable) as refusal:
        place(cart)
    assert refusal.value.params == {"sku": "TEA"}
    assert nothing_was_written()


def test_more_than_there_is_is_refused_and_nothing_is_reserved(alice, tea, cup):
    cart = fill_cart({"CUP": 1, "TEA": 6}, member=alice)
    with pytest.raises(OutOfStock) as refusal:
        place(cart)
    assert refusal.value.params == {"sku": "TEA"}
    Offers.claimed.clear()
    assert nothing_was_written()


def test_an_offer_that_is_gone_takes_everything_back(alice, tea, monkeypatch):
    Offers.offers[:] = [Off("prm_a", 1000)]
    cart = fill_cart({"TEA": 1}, member=alice)
    monkeypatch.setattr(Offers, "refusal", Refusal())
    with pytest.raises(Refusal):
        place(cart)
    assert nothing_was_written()


@pytest.mark.parametrize("state", ["pending", "frozen", "closed", "merged", "erased"])
def test_a_membership_that_may_not_spend_cannot_order(state, alice, tea):
    cart = fill_cart({"TEA": 1}, member=alice)
    put_in_state(alice, state)
    with pytest.raises(MemberMayNotOrder):
        place(cart)
    assert nothing_was_written()


def test_a_sleeping_member_may_order(alice, tea):
    cart = fill_cart({"TEA": 1}, member=alice)
    Member.objects.update(state=Member.State.DORMANT)
    assert place(cart).member_id == alice.pk


def test_a_visitors_cart_becomes_the_members_and_nobody_elses(alice, mallory, tea):
    cart = fill_cart({"TEA": 1})
    placed = place_order(
        cart_id=cart.pk, member_id=alice.pk, expected_total_minor=10_000, now=NOON
    )
    assert placed.member_id == alice.pk
    mine = fill_cart({"TEA": 1}, member=alice)
    with pytest.raises(ItemGone):
        place_order(
            cart_id=mine.pk, member_id=mallory.pk, expected_total_minor=10_000, now=NOON
        )
    assert Order.objects.count() == 1


def test_an_order_that_costs_nothing_is_paid_at_once(alice, tea):
    Offers.offers[:] = [Off("pts", 10_000, stage=Stage.POINTS, points=1000)]
    order = place(fill_cart({"TEA": 1}, member=alice))
    assert (order.state, order.paid_minor, order.paid_at) == ("paid", 0, NOON)
    tea.refresh_from_db()
    assert (tea.on_hand, tea.reserved) == (4, 0)
    names = [f.name for f in Fact.objects.order_by("id")]
    assert names == ["orders.OrderPlaced", "orders.OrderPaid"]


def statements(work):
    with CaptureQueriesContext(
        connection,
    ) as captured:
        work()
    return len(captured)


def test_statements_do_not_grow_with_the_lines(alice):
    for number in range(40):
        make_variant(f"V{number:02}", 1000 + number, on_hand=100)
    Offers.offers[:] = [Off("prm_a", 300), Off("prm_b", 200)]
    small = fill_cart({"V00": 1}, member=alice)
    large = fill_cart({f"V{number:02}": 1 for number in range(40)}, member=alice)

    def loaded(cart):
        return Cart.objects.get(pk=cart.pk)

    assert statements(lambda: quote_cart(cart=loaded(small), now=NOON)) == statements(
        lambda: quote_cart(cart=loaded(large), now=NOON)
    )
    placing = [statements(lambda cart=cart: place(cart)) for cart in (small, large)]
    assert placing[0] == placing[1]
    assert placing[0] <= 25


def test_what_a_channel_does_not_sell_goes_into_none_of_its_carts(tea, cup):
    tea.product.channels.set([make_channel("outlet")])
    for channel in ("", make_channel("mini").code):
        cart = create_cart(member_id=None, channel_code=channel, now=NOON)
        with pytest.raises(NotInChannel) as refusal:
            add_item(cart_id=cart.pk, sku="TEA", quantity=1, now=NOON)
        assert refusal.value.code == "not_in_channel"
        assert refusal.value.params == {"sku": "TEA"}
        assert not cart.lines.exists()
    outlet = create_cart(member_id=None, channel_code="outlet", now=NOON)
    for sku in ("TEA", "CUP"):  # What is limited to no channel is sold in all.
        add_item(cart_id=outlet.pk, sku=sku, quantity=1, now=NOON)
    assert outlet.lines.count() == 2
