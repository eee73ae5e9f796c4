"""A cart read with its contents is the one that is found alone, for whoever asks."""

from datetime import timedelta

import pytest

from orders.models import Cart
from orders.queries.carts import (
    cart_being_filled,
    contents_of,
    find_cart,
    found_cart,
    newest_open_cart,
)
from orders.services.merging_carts import merge_cart
from tests.cast import NOON
from tests.orders.shop import fill_cart, place


@pytest.fixture
def carts(alice, mallory, tea, cup):
    """Return carts of everybody and of nobody, one ordered, one merged into hers."""
    ordered = fill_cart({"TEA": 1}, member=alice)
    place(ordered)
    hers = fill_cart({"CUP": 2, "TEA": 1}, member=alice)
    Cart.objects.filter(pk=hers.pk).update(
        coupon_codes=["TENOFF"], points_to_spend=7, province="上海"
    )
    merged = fill_cart({"CUP": 1})
    merge_cart(visitor_cart=merged.public_id, member_id=alice.pk, now=NOON)
    empty = fill_cart({}, member=mallory, now=NOON + timedelta(days=1))
    return [ordered, hers, merged, empty, fill_cart({"TEA": 3}), Cart(public_id="no")]


def same(found, cart: Cart | None) -> bool:
    """Tell whether a cart was found with all that it is and holds."""
    if cart is None:
        return found is None
    kept = {field.attname: getattr(cart, field.attname) for field in Cart._meta.fields}
    assert {name: getattr(found[0], name) for name in kept} == kept
    return found[1] == contents_of(cart_id=cart.pk, at=NOON)


def test_a_cart_is_found_with_its_contents_by_who_may_see_it(carts, alice, mallory):
    seen = set()
    for number, cart in enumerate(carts):
        for member_id in (None, alice.pk, mallory.pk):
            who = {"public_id": cart.public_id, "member_id": member_id}
            alone = find_cart(**who)
            assert same(found_cart(**who, at=NOON), alone)
            if alone is not None:
                seen.add((number, member_id))
    hers = {(0, alice.pk), (1, alice.pk)}
    anybodys = {(4, None), (4, alice.pk), (4, mallory.pk)}
    assert seen == hers | {(3, mallory.pk)} | anybodys


def test_the_cart_being_filled_is_found_with_its_contents(carts, alice, mallory, bob):
    for member, number in ((alice, 1), (mallory, 3)):
        alone = newest_open_cart(member_id=member.pk)
        assert alone == carts[number]
        assert same(cart_being_filled(member_id=member.pk, at=NOON), alone)
    assert cart_being_filled(member_id=bob.pk, at=NOON) is None


def test_it_is_one_statement(carts, alice, django_assert_num_queries):
    who = {"public_id": carts[1].public_id, "member_id": alice.pk}
    with django_assert_num_queries(1):
        found_cart(**who, at=NOON)
    with django_assert_num_queries(1):
        cart_being_filled(member_id=alice.pk, at=NOON)
