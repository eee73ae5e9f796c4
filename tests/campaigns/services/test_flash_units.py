"""The pieces of a flash price on their way through orders (S2, S21, S24)."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from campaigns import offers
from campaigns.models import Promotion, PromotionUse, PromotionVersion
from campaigns.services import promoting
from campaigns.services.drafting import begin_change, clone_promotion, write_draft
from campaigns.services.holding import release_order, return_order, settle_order
from campaigns.services.promoting import (
    PromotionUnitsGone,
    PromotionUsedUp,
    take_promotion_use,
)
from campaigns.services.publishing import LimitBelowUses
from campaigns.services.simulating import simulate
from crm import wiring
from crm.shared.outbox import drain
from orders.models import Order
from orders.services import checkout
from orders.services.cancelling import cancel_order
from orders.services.checkout import CartTotalChanged, place_order
from orders.services.quoting import quote_cart, request_of_cart
from tests.campaigns.recipes import of_kind, published, use
from tests.cast import NOON, make_user, make_variant
from tests.faults.callers import all_at_once, rendezvous, without
from tests.orders.shop import fill_cart, pay, place

pytestmark = pytest.mark.django_db
FREE = of_kind("free_freight", {}) | {"starts_at": NOON}
RACE = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def real_sources(monkeypatch):
    sources = ["campaigns.offers.PromotionOffers", "campaigns.offers.CouponOffers"]
    monkeypatch.setattr(wiring, "OFFER_SOURCES", sources)


@pytest.fixture
def flash(db) -> Promotion:
    """Return a flash price: five pieces of tea for 4.00 instead of 10.00."""
    make_variant("TEA", 1_000, on_hand=1_000)
    return Promotion.objects.create(
        name="秒杀",
        state="live",
        starts_at=NOON - timedelta(days=1),
        limit_units=5,
        **of_kind("flash_price", {"price_minor": 400}, goods={"skus": ["TEA"]}),
    )


def counted(flash) -> tuple[int, int]:
    flash.refresh_from_db()
    return flash.used, flash.used_units


def total(count: int) -> int:
    return quote_cart(cart=fill_cart({"TEA": count}), now=NOON).total_minor


def test_s21_five_pieces_are_sold_by_piece_and_the_rest_costs_as_usual(flash):
    assert total(7) == 5 * 400 + 2 * 1_000
    first = place(fill_cart({"TEA": 3}))
    assert (first.total_minor, counted(flash)) == (1_200, (1, 3))
    assert list(PromotionUse.objects.values_list("units", "amount_minor")) == [
        (3, 1_800)
    ]
    second = place(fill_cart({"TEA": 3}))
    assert (second.total_minor, counted(flash)) == (2 * 400 + 1_000, (2, 5))
    third = place(fill_cart({"TEA": 3}))
    assert (third.total_minor, counted(flash)) == (3_000, (2, 5))


def test_s27_who_was_shown_a_price_that_is_gone_sees_the_new_one(flash):
    cart = fill_cart({"TEA": 4})
    seen = quote_cart(cart=cart, now=NOON)
    place(fill_cart({"TEA": 3}))
    with pytest.raises(CartTotalChanged), transaction.atomic():
        place_order(cart_id=cart.pk, quote_hash=seen.hash, now=NOON)
    (entry,) = [e for e in quote_cart(cart=cart, now=NOON).trace if e.get("left")]
    assert (entry["left"], entry["units"]) == (2, 2), "S25"


def test_a_cancelled_order_gives_its_pieces_back_once(flash):
    order = place(fill_cart({"TEA": 3}))
    use(flash, "SO2", units=2)
    cancel_order(order_id=order.pk, actor="test", reason="x", now=NOON)
    drain(now=NOON)
    release_order(order_id=order.pk)
    assert counted(flash) == (1, 2)
    assert total(5) == 3 * 400 + 2 * 1_000


def test_paid_pieces_stay_taken_also_when_all_goes_back(flash):
    order = use(flash, "SO1", units=4)
    settle_order(order_id=order.pk, now=NOON)
    release_order(order_id=order.pk)
    assert counted(flash) == (1, 4)
    Order.objects.filter(pk=order.pk).update(state=Order.State.REFUNDED)
    return_order(order_id=order.pk, now=NOON)
    assert counted(flash) == (1, 4), "as the use itself"


def test_a_part_that_comes_back_leaves_its_pieces_taken(flash):
    order = place(fill_cart({"TEA": 3}))
    pay(order)
    return_order(order_id=order.pk, now=NOON)
    assert counted(flash) == (1, 3)


def test_s25_the_refusal_names_how_many_are_left(flash):
    use(flash, "SO1", units=3)
    with pytest.raises(PromotionUnitsGone) as gone, transaction.atomic():
        use(flash, "SO2", units=3)
    assert gone.value.params == {"left": 2}
    assert "2" in str(gone.value)
    Promotion.objects.update(state="paused")
    with pytest.raises(PromotionUsedUp), transaction.atomic():
        use(flash, "SO3", units=1)
    assert (counted(flash), Order.objects.count()) == ((1, 3), 1)


def test_an_order_that_asks_again_has_its_own_pieces_back(flash):
    order = place(fill_cart({"TEA": 5}))
    cart = fill_cart({"TEA": 5})
    request = request_of_cart(cart=cart, now=NOON)
    assert [o.units_left for o in offers.promotions_for(request)] == [0]
    own = request_of_cart(cart=cart, now=NOON, order_id=order.pk)
    assert [o.units_left for o in offers.promotions_for(own)] == [5]


def test_pieces_leave_the_mark_of_promotions_alone_and_are_told_at_once(flash):
    """Nobody compiles promotions again, and nobody is told an old number."""
    before = PromotionVersion.objects.get().version
    for number, (count, price) in enumerate([(5, 2_000), (2, 800), (1, 1_000)]):
        assert total(count) == price
        if number < 2:
            use(flash, f"SO{number}", units=[3, 2][number])
    release_order(order_id=Order.objects.latest("pk").pk)
    assert total(2) == 800
    assert PromotionVersion.objects.get().version == before
    Promotion.objects.update(limit_units=4)
    assert PromotionVersion.objects.get().version != before


def test_the_number_left_is_read_with_the_quotes_own_statement(flash):
    cart = fill_cart({"TEA": 6})
    quote_cart(cart=cart, now=NOON)
    with CaptureQueriesContext(connection) as asked:
        quote = quote_cart(cart=cart, now=NOON)
    assert len(asked) == 2, "the cart, and the version with what is left"
    assert quote.applied[0].units_left == 5
    with CaptureQueriesContext(connection) as limited:
        place(fill_cart({"TEA": 1}))
    Promotion.objects.update(limit_units=None)
    quote_cart(cart=cart, now=NOON)
    with CaptureQueriesContext(connection) as unlimited:
        place(fill_cart({"TEA": 1}))
    assert len(limited) == len(unlimited)


def test_only_a_flash_price_has_pieces_and_never_more_than_its_limit(flash):
    with pytest.raises(IntegrityError), transaction.atomic():
        Promotion.objects.update(used_units=6)
    with pytest.raises(IntegrityError), transaction.atomic():
        Promotion.objects.update(**of_kind("percent", {"percent_bp": 1}))


# --- So many for each member ---------------------------------------------------------


def total_for(member, count: int) -> int:
    cart = fill_cart({"TEA": count}, member=member)
    return quote_cart(cart=cart, now=NOON).total_minor


def test_s21_two_for_each_member_and_for_an_order_of_a_visitor(flash, alice, bob):
    Promotion.objects.update(limit_member_units=2)
    assert total_for(alice, 3) == 2 * 400 + 1_000
    first = place(fill_cart({"TEA": 1}, member=alice))
    assert total_for(alice, 3) == 400 + 2 * 1_000
    place(fill_cart({"TEA": 1}, member=alice))
    quote = quote_cart(cart=fill_cart({"TEA": 1}, member=alice), now=NOON)
    assert (quote.total_minor, quote.refused[0].why.code) == (1_000, "no_units_left")
    assert total_for(bob, 3) == total(3) == 2 * 400 + 1_000
    place(fill_cart({"TEA": 2}, member=bob))
    assert total_for(None, 2) == 400 + 1_000, "one is left for everybody"
    cancel_order(order_id=first.pk, actor="test", reason="x", now=NOON)
    drain(now=NOON)
    assert total_for(alice, 3) == 400 + 2 * 1_000


def test_s21_a_limit_for_each_member_needs_no_other(flash, alice):
    Promotion.objects.update(limit_units=None, limit_member_units=2)
    assert total_for(alice, 9) == 2 * 400 + 7 * 1_000
    order = place(fill_cart({"TEA": 2}, member=alice))
    assert total_for(alice, 1) == 1_000
    request = request_of_cart(
        cart=fill_cart({"TEA": 2}, member=alice), now=NOON, order_id=order.pk
    )
    assert [o.units_left for o in offers.promotions_for(request)] == [2]
    with pytest.raises(IntegrityError), transaction.atomic():
        Promotion.objects.update(**of_kind("percent", {"percent_bp": 1}))


def test_s25_who_takes_more_than_a_member_may_is_told_how_many(flash, alice):
    Promotion.objects.update(limit_member_units=2)
    place(fill_cart({"TEA": 1}, member=alice))
    order = use(Promotion.objects.create(name="P", state="live", **FREE), "SO2")
    Order.objects.filter(pk=order.pk).update(member=alice)
    taking = {"order_id": order.pk, "amount_minor": 1, "now": NOON}
    with pytest.raises(PromotionUnitsGone) as gone, transaction.atomic():
        take_promotion_use(promotion=flash.public_id, units=2, **taking)
    assert gone.value.params == {"left": 1}
    take_promotion_use(promotion=flash.public_id, units=1, **taking)
    assert counted(flash) == (2, 2)


# --- The marketer's side -------------------------------------------------------------


@pytest.fixture
def dana(db):
    return make_user("dana", is_staff=True)


def test_a_copy_has_the_pieces_and_none_of_the_count(flash, dana):
    use(flash, "SO1", units=4)
    copy = clone_promotion(promotion_id=flash.pk, actor=dana, now=NOON)
    assert (copy.limit_units, copy.used_units) == (5, 0)


def test_a_change_cannot_fall_below_what_was_taken(flash, dana):
    use(flash, "SO1", units=4)
    change = begin_change(promotion_id=flash.pk, actor=dana, now=NOON)
    how = {"promotion_id": change.pk, "actor": dana, "now": NOON}
    write_draft(content={"limit_units": 3}, **how)
    with pytest.raises(LimitBelowUses), transaction.atomic():
        published(change, dana)
    write_draft(content={"limit_units": 6}, **how)
    more = published(change, dana)
    assert (more.pk, more.limit_units, more.used_units) == (
        flash.pk,
        6,
        4,
    )
    assert more.revisions.get().terms["limit_units"] == 6
    assert total(3) == 2 * 400 + 1_000


def test_a_trial_knows_what_the_draft_would_have_left(flash, dana):
    use(flash, "SO1", units=4)
    change = begin_change(promotion_id=flash.pk, actor=dana, now=NOON)
    change.limit_units = 6
    tried = simulate(promotion=change, items={"TEA": 3}, now=NOON)
    assert (tried.with_it.total_minor, tried.takes_minor) == (1_800, 1_200)
    fresh = clone_promotion(promotion_id=flash.pk, actor=dana, now=NOON)
    Promotion.objects.filter(pk=flash.pk).update(state="ended")
    tried = simulate(promotion=fresh, items={"TEA": 7}, now=NOON)
    assert tried.with_it.total_minor == 5 * 400 + 2 * 1_000


# --- The last pieces -----------------------------------------------------------------


@RACE
def test_s21_x5_a_hundred_and_twenty_callers_for_five_pieces(flash):
    """Each wants two: two get them, one piece is left over."""
    outcome = all_at_once(120, lambda n: use(flash, f"SO{n}", units=2).state)
    assert outcome == {"pending": 2, PromotionUnitsGone.__name__: 118}
    assert counted(flash) == (2, 4)
    assert sum(PromotionUse.objects.values_list("units", flat=True)) == 4


@RACE
def test_s21_twenty_checkouts_for_five_pieces_sell_five(flash):
    carts = [fill_cart({"TEA": 1}) for _number in range(20)]
    seen = [quote_cart(cart=cart, now=NOON).hash for cart in carts]

    def buy(number: int) -> str:
        cart_id, quote_hash = carts[number].pk, seen[number]
        order = place_order(cart_id=cart_id, quote_hash=quote_hash, now=NOON)
        return f"for {order.total_minor}"

    outcome = all_at_once(20, buy)
    assert outcome.pop("for 400") == 5
    assert set(outcome) <= {PromotionUnitsGone.__name__, CartTotalChanged.__name__}
    assert counted(flash) == (5, 5)


def buy_one_each(member, count: int):
    """Return what orders cart after cart of a member, each seen at the flash price."""
    carts = [fill_cart({"TEA": 1}, member=member) for _number in range(count)]
    seen = [quote_cart(cart=cart, now=NOON).hash for cart in carts]

    def buy(number: int) -> str:
        cart_id, quote_hash = carts[number].pk, seen[number]
        order = place_order(cart_id=cart_id, quote_hash=quote_hash, now=NOON)
        return f"for {order.total_minor}"

    return buy


@RACE
def test_s21_one_member_with_twenty_carts_gets_two_pieces(flash, alice):
    Promotion.objects.update(limit_units=None, limit_member_units=2)
    outcome = all_at_once(20, buy_one_each(alice, 20))
    assert outcome == {"for 400": 2, CartTotalChanged.__name__: 18}
    assert counted(flash) == (2, 2)


@RACE
def test_control_without_the_lock_of_the_member_they_get_more(
    flash, alice, monkeypatch
):
    Promotion.objects.update(limit_units=None, limit_member_units=2)
    unlocked = "SELECT state FROM members_member WHERE id = %s"
    monkeypatch.setattr(checkout, "_LOCK_MEMBER", unlocked)
    monkeypatch.setattr(
        promoting, "_TAKE", promoting._TAKE.replace("limit_member_units >=", "99 >=")
    )
    meet = rendezvous(4)

    def meet_and_take(**order):
        meet()
        take_promotion_use(**order)

    monkeypatch.setattr(offers, "take_promotion_use", meet_and_take)
    assert all_at_once(4, buy_one_each(alice, 4)) == {"for 400": 4}
    assert counted(flash) == (4, 4)


@RACE
def test_control_without_the_condition_more_pieces_are_sold_than_there_are(
    flash, monkeypatch
):
    without("campaigns_promotion", "promotion_used_units_are_within_limit")
    carts = [fill_cart({"TEA": 2}) for _number in range(4)]
    seen = [quote_cart(cart=cart, now=NOON).hash for cart in carts]
    meet = rendezvous(4)

    def read_then_write(*, promotion, units, **_order):
        row = Promotion.objects.get(public_id=promotion)
        meet()
        assert row.used_units + units <= row.limit_units
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE campaigns_promotion SET used_units = used_units + %s", [units]
            )

    monkeypatch.setattr(offers, "take_promotion_use", read_then_write)

    def buy(number: int) -> str:
        place_order(cart_id=carts[number].pk, quote_hash=seen[number], now=NOON)
        return "placed"

    assert all_at_once(4, buy)["placed"] == 4
    assert counted(flash)[1] == 8 > flash.limit_units
