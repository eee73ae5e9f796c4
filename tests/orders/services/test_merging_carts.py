"""A visitor's cart joins the member's on sign-in: once, and never somebody else's."""

import pytest

from orders.models import Cart, CartLine
from orders.queries.carts import find_cart, newest_open_cart
from orders.services import merging_carts
from orders.services.carts import (
    MOST_LINES,
    MOST_UNITS,
    CartFull,
    CartOrdered,
    ItemGone,
    add_item,
)
from orders.services.merging_carts import merge_cart
from tests.cast import NOON, make_member, make_variant
from tests.faults.callers import all_at_once, rendezvous
from tests.orders.shop import fill_cart, place


def merge(visitor: Cart, member) -> Cart:
    return merge_cart(visitor_cart=visitor.public_id, member_id=member.pk, now=NOON)


def units(cart: Cart) -> dict[str, int]:
    lines = CartLine.objects.filter(cart=cart).order_by("id")
    return dict(lines.values_list("variant__sku", "quantity"))


def test_units_add_up_codes_unite_and_the_old_cart_is_none(alice, tea, cup):
    mine = fill_cart({"TEA": 2}, member=alice)
    visitor = fill_cart({"CUP": 1, "TEA": 3})
    Cart.objects.filter(pk=mine.pk).update(coupon_codes=["A", "B"], campaign="old")
    Cart.objects.filter(pk=visitor.pk).update(
        coupon_codes=["B", "C"], campaign="new", province="上海"
    )
    merged = merge(visitor, alice)
    assert merged.pk == mine.pk
    assert units(mine) == {"TEA": 5, "CUP": 1}
    merged.refresh_from_db()
    assert (merged.coupon_codes, merged.campaign, merged.province) == (
        ["A", "B", "C"],
        "new",
        "上海",
    )
    assert not CartLine.objects.filter(cart=visitor).exists()
    assert find_cart(public_id=visitor.public_id, member_id=alice.pk) is None
    assert newest_open_cart(member_id=alice.pk).pk == mine.pk


def test_again_is_harmless_and_finds_where_it_went(alice, tea):
    mine, visitor = fill_cart({"TEA": 2}, member=alice), fill_cart({"TEA": 3})
    assert merge(visitor, alice).pk == mine.pk
    assert merge(visitor, alice).pk == mine.pk
    assert units(mine) == {"TEA": 5}


def test_without_a_cart_of_their_own_the_visitors_becomes_the_members(alice, tea):
    visitor = fill_cart({"TEA": 3})
    assert merge(visitor, alice).pk == visitor.pk
    assert merge(visitor, alice).pk == visitor.pk
    visitor.refresh_from_db()
    assert (visitor.member_id, visitor.merged_into_id) == (alice.pk, None)
    assert units(visitor) == {"TEA": 3}


def test_an_ordered_cart_of_the_member_takes_nothing_more(alice, tea):
    ordered = fill_cart({"TEA": 1}, member=alice)
    place(ordered)
    visitor = fill_cart({"TEA": 2})
    assert merge(visitor, alice).pk == visitor.pk
    assert units(ordered) == {"TEA": 1}


def test_two_carts_of_one_member_stay_two(alice, tea):
    first = fill_cart({"TEA": 1}, member=alice)
    second = fill_cart({"TEA": 2}, member=alice)
    assert merge(first, alice).pk == first.pk
    assert (units(first), units(second)) == ({"TEA": 1}, {"TEA": 2})


def test_nobody_gets_somebody_elses(alice, mallory, tea):
    mine = fill_cart({"TEA": 1}, member=alice)
    hers = fill_cart({"TEA": 1}, member=mallory)
    with pytest.raises(ItemGone):
        merge(mine, mallory)
    with pytest.raises(ItemGone):
        merge_cart(visitor_cart="cart_none", member_id=mallory.pk, now=NOON)
    merged = fill_cart({"TEA": 1})
    merge(merged, alice)
    with pytest.raises(ItemGone):
        merge(merged, mallory)
    assert (units(mine), units(hers)) == ({"TEA": 2}, {"TEA": 1})


def test_an_ordered_cart_does_not_join(alice, tea):
    visitor = fill_cart({"TEA": 1})
    place(visitor)
    fill_cart({"TEA": 1}, member=alice)
    with pytest.raises(CartOrdered):
        merge(visitor, alice)


def test_what_went_takes_nothing_more(alice, tea):
    fill_cart({"TEA": 1}, member=alice)
    visitor = fill_cart({"TEA": 1})
    merge(visitor, alice)
    with pytest.raises(ItemGone):
        add_item(cart_id=visitor.pk, sku="TEA", quantity=1, now=NOON)


def test_units_stop_at_the_most_and_lines_refuse_whole(alice, tea, monkeypatch):
    mine, visitor = fill_cart({"TEA": 9_000}, member=alice), fill_cart({"TEA": 5_000})
    assert units(merge(visitor, alice)) == {"TEA": MOST_UNITS}
    make_variant("CUP", 100)
    full = fill_cart({"CUP": 1})
    monkeypatch.setattr(merging_carts, "MOST_LINES", 1)
    with pytest.raises(CartFull):
        merge(full, alice)
    assert (units(mine), units(full)) == ({"TEA": MOST_UNITS}, {"CUP": 1})
    assert MOST_LINES > 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("has_cart", [True, False])
def test_two_devices_merge_at_once_and_nothing_is_lost_or_doubled(has_cart):
    make_variant("TEA", 100)
    alice = make_member(1)
    if has_cart:
        fill_cart({"TEA": 100}, member=alice)
    phone, tablet = fill_cart({"TEA": 1}), fill_cart({"TEA": 10})
    carts = [phone, tablet] * 4
    outcome = all_at_once(8, lambda n: merge(carts[n], alice).pk)
    mine = newest_open_cart(member_id=alice.pk)
    assert outcome == {mine.pk: 8}
    assert units(mine) == {"TEA": 111 if has_cart else 11}
    assert Cart.objects.filter(merged_into__isnull=True).count() == 1


@pytest.mark.django_db(transaction=True)
def test_control_without_the_lock_of_the_member_two_carts_remain(monkeypatch):
    make_variant("TEA", 100)
    alice = make_member(1)
    carts = [fill_cart({"TEA": 1}), fill_cart({"TEA": 10})]
    meet_here = rendezvous(2)
    find = merging_carts.newest_open_cart

    def meet(**asked):
        found = find(**asked)
        meet_here()
        return found

    monkeypatch.setattr(merging_carts, "_one_at_a_time", lambda member_id: None)
    monkeypatch.setattr(merging_carts, "newest_open_cart", meet)
    all_at_once(2, lambda n: merge(carts[n], alice).pk)
    assert Cart.objects.filter(member=alice, merged_into__isnull=True).count() == 2
