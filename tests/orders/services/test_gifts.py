"""Gifts from the cart to the return (S16, S17, R8)."""

from datetime import timedelta

import pytest

from crm import wiring
from orders.models import AppliedOffer, Cart, Order, OrderLine, StockMove, Variant
from orders.queries.refunds import goods_minor
from orders.rules.offers import Stage
from orders.services import checkout
from orders.services.agreed_orders import Agreement, place_agreed_order
from orders.services.cancelling import cancel_order, release_unpaid
from orders.services.carts import change_item
from orders.services.checkout import CartTotalChanged, place_order
from orders.services.exchanging import Swap, exchange_units
from orders.services.quoting import quote_cart
from orders.services.refund_preview import RefundPolicy
from orders.services.refunding import quote_refund, refund_order
from orders.services.return_requests import (
    Wish,
    approve_return,
    receive_return,
    request_return,
)
from orders.services.returning import send_due_refunds
from orders.services.settling_returns import Finding, inspect_return, refund_return
from orders.services.shipping import ship, units_to_ship
from orders.services.stating import refund_statement
from orders.services.stocking import OutOfStock
from orders.services.verifying_stock import verify_stock
from tests.cast import NOON, make_variant
from tests.orders.gifts import SOURCE, GiftOffers, gift_from
from tests.orders.shop import Off, Offers, fill_cart, pay, place


@pytest.fixture(autouse=True)
def gifts_of_the_shop(monkeypatch):
    paths = ["tests.orders.shop.Offers", SOURCE]
    monkeypatch.setattr(wiring, "OFFER_SOURCES", paths)
    monkeypatch.setattr(GiftOffers, "promotions", [gift_from(15_000, "MUG", "PEN")])


@pytest.fixture
def mug(db):
    """Return a gift listed at 15.00 that cost 4.00, of which there are two."""
    mug = make_variant("MUG", 1_500, on_hand=2)
    Variant.objects.filter(pk=mug.pk).update(option="blue", cost_minor=400)
    return mug


@pytest.fixture
def pen(db):
    """Return what comes instead, of which there is plenty."""
    return make_variant("PEN", 300)


@pytest.fixture
def order(alice, tea, cup, mug, pen):
    """Two teas and a cup with a mug, paid: 233.33."""
    placed = place(fill_cart({"TEA": 2, "CUP": 1}, member=alice))
    pay(placed)
    return Order.objects.get(pk=placed.pk)


def brought(quote) -> list[tuple[str, int]]:
    return [(gift.sku, gift.quantity) for _applied, gift in quote.gifts]


def reserved(*skus: str) -> list[int]:
    found = dict(Variant.objects.values_list("sku", "reserved"))
    return [found[sku] for sku in skus]


def give_back(order, items, key="k", **fields):
    return refund_order(
        order_id=order.pk,
        items=items,
        reason="",
        actor="dana",
        request_key=key,
        now=NOON,
        **fields,
    )


# --- The cart -----------------------------------------------------------------


def test_s16_a_gift_goes_with_its_condition_and_comes_again(alice, tea, mug, pen):
    cart = fill_cart({"TEA": 2}, member=alice)
    item = cart.lines.get().public_id
    first = quote_cart(cart=cart, now=NOON)
    change_item(cart_id=cart.pk, item=item, quantity=1, now=NOON)
    without = quote_cart(cart=cart, now=NOON)
    change_item(cart_id=cart.pk, item=item, quantity=2, now=NOON)
    again = quote_cart(cart=cart, now=NOON)
    assert [brought(each) for each in (first, without, again)] == [
        [("MUG", 1)],
        [],
        [("MUG", 1)],
    ]
    assert first.hash == again.hash != without.hash
    assert first.total_minor == 20_000


def test_s16_a_gift_counts_for_no_threshold(alice, tea, mug, pen, settings):
    settings.FREIGHT_MINOR, settings.FREE_FREIGHT_FROM_MINOR = 800, 20_500
    Offers.offers[:] = [
        Off("later", 100, stage=Stage.COUPON, threshold_minor=20_001),
        Off("met", 100, stage=Stage.COUPON, threshold_minor=20_000),
    ]
    quote = quote_cart(cart=fill_cart({"TEA": 2}, member=alice), now=NOON)
    assert [each.source_id for each in quote.applied] == ["prm_gift", "met"]
    assert (quote.goods_minor, quote.freight_minor) == (20_000, 800)


@pytest.mark.parametrize(
    ("left", "brings", "instead"),
    [((2, None), "MUG", ""), ((0, None), "PEN", "MUG"), ((0, 0), None, None)],
)
def test_s17_the_substitute_comes_or_nothing_and_says_so(
    alice, tea, mug, pen, left, brings, instead
):
    for sku, on_hand in zip(("MUG", "PEN"), left, strict=True):
        Variant.objects.filter(sku=sku).update(on_hand=on_hand)
    cart = fill_cart({"TEA": 2}, member=alice)
    quote = quote_cart(cart=cart, now=NOON)
    if brings is None:
        (why,) = (e.why.code for e in quote.refused if e.source_id == "prm_gift")
        assert (why, quote.gifts) == ("gift_out_of_stock", ())
    else:
        ((_applied, gift),) = quote.gifts
        assert (gift.sku, gift.instead_of) == (brings, instead)
    assert place(cart).total_minor == 20_000, "the order is not blocked"


def test_s17_units_that_are_bought_are_not_given_away(alice, tea, mug, pen):
    cart = fill_cart({"TEA": 2, "MUG": 2}, member=alice)
    assert brought(quote_cart(cart=cart, now=NOON)) == [("PEN", 1)]
    place(cart)
    assert reserved("MUG", "PEN") == [2, 1]


def test_s17_two_offers_do_not_give_the_same_unit(alice, tea, mug, pen):
    GiftOffers.promotions[:] = [
        gift_from(15_000, "MUG", quantity=2, source_id="prm_a"),
        gift_from(15_000, "MUG", "PEN", source_id="prm_b"),
    ]
    cart = fill_cart({"TEA": 2}, member=alice)
    assert brought(quote_cart(cart=cart, now=NOON)) == [("MUG", 2), ("PEN", 1)]
    place(cart)
    assert reserved("MUG", "PEN") == [2, 1]


@pytest.mark.parametrize("change", [{"sku": "OTHER"}, {"is_active": False}])
def test_what_is_not_in_the_catalogue_is_no_gift(alice, tea, mug, pen, change):
    Variant.objects.filter(sku="MUG").update(**change)
    cart = fill_cart({"TEA": 2}, member=alice)
    assert brought(quote_cart(cart=cart, now=NOON)) == [("PEN", 1)]


def test_stored_value_is_never_a_gift(alice, tea, mug, pen):
    make_variant("CARD", 10_000, kind="gift_card")
    GiftOffers.promotions[:] = [gift_from(100, "CARD")]
    cart = fill_cart({"TEA": 2}, member=alice)
    assert brought(quote_cart(cart=cart, now=NOON)) == []


def test_s2_a_price_agreed_elsewhere_brings_no_gift(alice, tea, mug, pen):
    agreed = Agreement(tea.pk, 9_000, "group", quantity=2)
    order = place_agreed_order(member_id=alice.pk, agreement=agreed, now=NOON)
    assert [line.sku for line in order.lines.all()] == ["TEA"]


# --- The order ----------------------------------------------------------------


def test_a_gift_is_a_line_at_nothing_with_what_it_is_worth(order):
    gift = order.lines.get(position=3)
    assert (gift.sku, gift.name, gift.kind, gift.quantity) == (
        "MUG",
        "Thing MUG blue",
        "goods",
        1,
    )
    assert (gift.list_price_minor, gift.unit_price_minor, gift.cost_minor) == (
        1_500,
        0,
        400,
    )
    assert (gift.gross_minor, gift.net_minor, gift.price_kind) == (0, 0, "gift")
    offer = AppliedOffer.objects.get()
    assert gift.gift_of == offer
    assert (offer.source_id, offer.amount_minor) == ("prm_gift", 0)
    assert offer.trigger_positions == [1, 2]
    assert (order.goods_minor, order.total_minor) == (23_333, 23_333)


def test_a_gift_is_held_sold_and_shipped_like_any_line(order):
    kinds = StockMove.objects.filter(variant__sku="MUG", order=order)
    assert list(kinds.order_by("id").values_list("kind", flat=True)) == [
        "reserved",
        "sold",
    ]
    assert units_to_ship(order_id=order.pk) == {1: 2, 2: 1, 3: 1}
    ship(order_id=order.pk, items={1: 2, 2: 1}, actor="key:1", now=NOON)
    order.refresh_from_db()
    assert order.state == "partly_shipped"
    ship(order_id=order.pk, items={3: 1}, actor="key:1", now=NOON)
    order.refresh_from_db()
    assert order.state == "shipped"


@pytest.mark.parametrize("way", ["cancelled", "too late"])
def test_a_gift_of_an_order_that_is_not_paid_is_free_again(alice, tea, mug, pen, way):
    placed = place(fill_cart({"TEA": 2}, member=alice))
    assert reserved("TEA", "MUG") == [2, 1]
    if way == "cancelled":
        cancel_order(order_id=placed.pk, actor="member", reason="", now=NOON)
    else:
        assert release_unpaid(now=NOON + timedelta(days=1)) == 1
    assert reserved("TEA", "MUG") == [0, 0]
    assert verify_stock().findings == ()


def test_s27_a_gift_that_ran_out_is_a_price_that_changed(alice, tea, mug, pen):
    cart = fill_cart({"TEA": 2}, member=alice)
    seen = quote_cart(cart=cart, now=NOON)
    Variant.objects.filter(sku="MUG").update(on_hand=0)
    with pytest.raises(CartTotalChanged) as refused:
        place_order(cart_id=cart.pk, quote_hash=seen.hash, now=NOON)
    assert brought(refused.value.quote) == [("PEN", 1)]
    assert not Order.objects.exists()
    agreed = refused.value.quote.hash
    order = place_order(cart_id=cart.pk, quote_hash=agreed, now=NOON)
    assert order.lines.get(position=2).sku == "PEN"


def test_s17_a_gift_that_goes_while_it_is_ordered_does_not_block(
    alice, tea, mug, pen, monkeypatch
):
    """It goes between the price and the promise; nothing of the order stays."""
    cart = fill_cart({"TEA": 2}, member=None)
    promise = checkout.reserve_stock

    def late(quantities, **why):
        Variant.objects.filter(sku="MUG").update(reserved=2)
        promise(quantities, **why)

    monkeypatch.setattr(checkout, "reserve_stock", late)
    with pytest.raises(CartTotalChanged) as refused:
        place_order(
            cart_id=cart.pk,
            member_id=alice.pk,
            expected_total_minor=20_000,
            now=NOON,
        )
    assert refused.value.priced.cart.member_id == alice.pk
    assert Cart.objects.get(pk=cart.pk).member_id is None
    assert not Order.objects.exists()
    assert reserved("TEA", "MUG") == [0, 0]


def test_out_of_stock_of_what_is_bought_is_told_as_that(alice, tea, mug, pen):
    cart = fill_cart({"TEA": 6}, member=alice)
    with pytest.raises(OutOfStock):
        place(cart)
    assert not Order.objects.exists()


# --- Back ---------------------------------------------------------------------


def test_r8_a_gift_that_never_left_comes_back_with_its_trigger(order):
    quote = quote_refund(order_id=order.pk, items={1: 2, 2: 1}, now=NOON)
    assert [(part.position, part.amount_minor) for part in quote.lines] == [
        (1, 20_000),
        (2, 3_333),
        (3, 0),
    ]
    assert (quote.deductions, quote.is_last, quote.amount_minor) == ((), True, 23_333)
    made = give_back(order, {1: 2, 2: 1}, policy=RefundPolicy(restocks=True))
    assert send_due_refunds(now=NOON) == 1
    order.refresh_from_db()
    assert order.state == "refunded"
    assert Variant.objects.get(sku="MUG").on_hand == 2
    assert refund_statement(refund_id=made.pk).adds_up
    assert verify_stock().findings == ()


def test_r8_a_part_of_the_trigger_leaves_the_gift(order):
    quote = quote_refund(order_id=order.pk, items={1: 2}, now=NOON)
    assert [part.position for part in quote.lines] == [1]
    assert (quote.amount_minor, quote.deductions) == (20_000, ())


def test_r8_a_gift_that_was_sent_costs_its_listed_value_until_it_comes(order):
    ship(order_id=order.pk, items={1: 2, 2: 1, 3: 1}, actor="key:1", now=NOON)
    first = give_back(order, {1: 2, 2: 1}, "k1")
    assert list(first.deductions.values_list("kind", "amount_minor")) == [
        ("gift_kept", 1_500)
    ]
    assert first.amount_minor == 23_333 - 1_500
    second = give_back(order, {3: 1}, "k2")
    assert (second.amount_minor, second.deducted_minor) == (1_500, -1_500)
    papers = [refund_statement(refund_id=each.pk) for each in (first, second)]
    assert all(paper.adds_up for paper in papers), "R22"
    send_due_refunds(now=NOON)
    order.refresh_from_db()
    assert (order.state, order.refunded_minor) == ("refunded", 23_333)


def test_r8_r15_a_gift_that_never_left_is_on_the_shelf_after_a_return(order):
    ship(order_id=order.pk, items={1: 2, 2: 1}, actor="key:1", now=NOON)
    wish = Wish(kind="return", items={1: 2, 2: 1}, reason_code="changed_mind")
    asked = {"actor": "dana", "now": NOON}
    request = request_return(order_id=order.pk, wish=wish, **asked)
    approve_return(return_id=request.pk, **asked)
    receive_return(return_id=request.pk, **asked)
    good = {at: Finding(units, True, "unopened") for at, units in wish.items.items()}
    inspect_return(return_id=request.pk, findings=good, **asked)
    assert Variant.objects.get(sku="MUG").on_hand == 1
    for _ in range(2):
        refund_return(return_id=request.pk, reason="", **asked)
    assert Variant.objects.get(sku="MUG").on_hand == 2
    assert verify_stock().findings == ()


def test_r8_a_kept_gift_goes_off_goods_and_not_off_freight(alice, mug, pen, settings):
    """Else points would be taken back for more goods than came back (P19)."""
    settings.FREIGHT_MINOR = 800
    for sku, price in (("OOLONG", 15_000), ("SACHET", 1_000)):
        make_variant(sku, price)
    order = place(fill_cart({"OOLONG": 1, "SACHET": 1}, member=alice))
    pay(order)
    ship(order_id=order.pk, items={1: 1, 2: 1, 3: 1}, actor="key:1", now=NOON)
    made = [give_back(order, {1: 1}, "k1")]
    late = RefundPolicy(reason_code="late")
    made.append(give_back(order, {2: 1}, "k2", freight=True, policy=late))
    assert (made[1].deducted_minor, made[1].amount_minor) == (1_000, 800)
    made.append(give_back(order, {3: 1}, "k3"))
    assert made[2].amount_minor == 1_000
    assert goods_minor([each.pk for each in made]) == {
        made[0].pk: 15_000,
        made[1].pk: 0,
        made[2].pk: 1_000,
    }


def test_r8_with_its_gift_the_trigger_gives_everything(order):
    ship(order_id=order.pk, items={1: 2, 2: 1, 3: 1}, actor="key:1", now=NOON)
    assert give_back(order, {1: 2, 2: 1, 3: 1}).amount_minor == 23_333


def test_a_gift_alone_gives_nothing_back(order):
    ship(order_id=order.pk, items={1: 2, 2: 1, 3: 1}, actor="key:1", now=NOON)
    made = give_back(order, {3: 1})
    assert (made.amount_minor, made.state) == (0, "completed")


def swap(order, position: int, units: int, sku: str) -> Order:
    """Exchange units for those of another SKU at the same price."""
    return exchange_units(
        order_id=order.pk,
        swaps=[
            Swap(
                position,
                units,
                variant_id=Variant.objects.values_list("pk", flat=True).get(sku=sku),
            )
        ],
        reason="broken",
        actor="dana",
        request_key=f"{order.pk}:{position}:{sku}",
        now=NOON,
    )


def test_a_gift_that_was_exchanged_is_still_to_come_back(order):
    make_variant("BOWL", 1_500, on_hand=1)
    ship(order_id=order.pk, items={1: 2, 2: 1, 3: 1}, actor="key:1", now=NOON)
    new = swap(order, 3, 1, "BOWL")
    assert (new.state, new.total_minor) == ("paid", 0)
    assert OrderLine.objects.get(order=new).replaces.sku == "MUG"
    seen = quote_refund(order_id=order.pk, items={1: 2, 2: 1}, now=NOON)
    assert seen.deducted_minor == 1_500, "the bowl stays"
    give_back(new, {1: 1}, "bowl")
    seen = quote_refund(order_id=order.pk, items={1: 2, 2: 1}, now=NOON)
    assert seen.deducted_minor == 0, "the bowl came"


def test_r8_what_brought_a_gift_may_be_exchanged_twice_and_then_go_back(order):
    for sku in ("OOLONG", "MATCHA"):
        make_variant(sku, 10_000, on_hand=9)
    ship(order_id=order.pk, items={1: 2, 2: 1, 3: 1}, actor="key:1", now=NOON)
    give_back(order, {2: 1}, "cup")
    first = swap(order, 1, 2, "OOLONG")
    second = swap(first, 1, 1, "MATCHA")
    assert not order.refunds.filter(deducted_minor__gt=0).exists(), "nothing went back"
    one = give_back(first, {1: 1}, "oolong")
    assert (one.amount_minor, one.deducted_minor) == (10_000, 0)
    seen = quote_refund(order_id=second.pk, items={1: 1}, now=NOON)
    assert (seen.amount_minor, seen.deducted_minor) == (8_500, 1_500)
    last = give_back(second, {1: 1}, "matcha")
    assert refund_statement(refund_id=last.pk).adds_up
    # It was paid for: it stays without costing again.
    assert quote_refund(order_id=order.pk, items={3: 1}, now=NOON).deducted_minor == 0


def test_r8_a_gift_sent_back_first_costs_nothing_whatever_replaced_its_trigger(order):
    make_variant("OOLONG", 10_000, on_hand=9)
    ship(order_id=order.pk, items={1: 2, 2: 1, 3: 1}, actor="key:1", now=NOON)
    new = swap(order, 1, 2, "OOLONG")
    give_back(order, {2: 1, 3: 1}, "cup and mug")
    assert quote_refund(order_id=new.pk, items={1: 2}, now=NOON).amount_minor == 20_000
