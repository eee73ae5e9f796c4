"""Merges beside merges, checkouts and bookings: real threads on real rows."""

import pytest
from django.db import DatabaseError

from loyalty.services.earning import earn_for_order
from loyalty.services.verification import verify_ledger
from members.models import Member, Merge, Note
from members.services.merging import CannotMerge
from members.services.noting import add_note
from members.services.unmerging import undo_merge
from orders.models import Cart, Order
from orders.services.carts import ItemGone, add_item, create_cart
from orders.services.checkout import MemberMayNotOrder, place_order
from orders.services.quoting import quote_cart
from tests.cast import NOON, make_member, make_variant
from tests.faults.callers import at_once
from tests.loyalty.books import account_of, paid_order
from tests.members.services.test_merging import give, merge

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 4


@pytest.fixture
def pair(db):
    return [make_member(1), make_member(2)]


def test_two_merged_from_both_sides_at_once_are_merged_once(pair):
    one, other = pair
    give(one, 30)
    give(other, 70)

    answers = at_once(
        [*(lambda: merge(one, other), lambda: merge(other, one)) * ROUNDS]
    )

    done = Merge.objects.get()
    # Who asked for the merge that stands got it, whoever asked for the other got a no.
    assert sum(isinstance(answer, Merge) for answer in answers) == ROUNDS
    assert sum(isinstance(answer, CannotMerge) for answer in answers) == ROUNDS
    assert Member.objects.get(state="merged") == done.loser
    assert account_of(done.winner).balance == 100
    assert verify_ledger().findings == ()


def test_one_merge_asked_for_by_many_happens_once(pair):
    give(pair[1], 70)
    answers = at_once([lambda: merge(*pair)] * 6)
    assert {answer.pk for answer in answers} == {Merge.objects.get().pk}
    assert account_of(pair[0]).balance == 70


def test_two_take_the_same_loser_and_one_gets_it(pair):
    third = make_member(3)
    for member, points in ((pair[0], 1), (pair[1], 1), (third, 70)):
        give(member, points)
    at_once([lambda: merge(pair[0], third), lambda: merge(pair[1], third)])
    balances = sorted(account_of(member).balance for member in pair)
    assert (Merge.objects.count(), balances) == (1, [1, 71])
    assert verify_ledger().findings == ()


def test_a_merge_waits_for_a_checkout_or_the_checkout_for_the_merge(pair):
    winner, loser = pair
    make_variant("A", 1_000)
    carts = []
    for _ in range(ROUNDS):
        cart = create_cart(member_id=loser.pk, now=NOON)
        add_item(cart_id=cart.pk, sku="A", quantity=1, now=NOON)
        carts.append((cart.pk, quote_cart(cart=cart, now=NOON).hash))

    answers = at_once(
        [
            lambda: merge(winner, loser),
            *(
                lambda cart=cart, quote=quote: place_order(
                    cart_id=cart, quote_hash=quote, now=NOON
                )
                for cart, quote in carts
            ),
        ]
    )

    assert not [a for a in answers if isinstance(a, DatabaseError)]
    assert not [a for a in answers if isinstance(a, (ItemGone, MemberMayNotOrder))]
    assert Order.objects.filter(member=winner).count() == ROUNDS
    assert not Order.objects.filter(member=loser).exists()
    assert not Cart.objects.filter(member=loser).exists()


def test_an_order_booked_at_that_moment_is_booked_once(pair):
    winner, loser = pair
    orders = [paid_order(loser, 10_000) for _ in range(ROUNDS)]

    def earn(order):
        # As the outbox does: what failed is tried again.
        for _ in range(3):
            try:
                return earn_for_order(order_id=order.pk, now=NOON)
            except Exception as error:
                last = error
        raise last

    answers = at_once(
        [
            lambda: merge(winner, loser),
            *(lambda order=order: earn(order) for order in orders),
        ]
    )

    assert not [a for a in answers if isinstance(a, DatabaseError)]
    assert account_of(winner).balance == ROUNDS * 100
    assert account_of(loser).balance == 0
    assert verify_ledger().findings == ()


def test_no_row_is_left_behind(pair):
    winner, loser = pair

    def note():
        return add_note(member_id=loser.pk, text="x", author=None, now=NOON)

    at_once([*[note] * ROUNDS, lambda: merge(winner, loser), *[note] * ROUNDS])

    done = Merge.objects.get()
    moved = set(done.moved["members"]["members.Note.member"])
    # Written before the merge took its locks: moved. After: the loser is merged, and
    # the doors lead to the winner.
    assert set(Note.objects.filter(member=winner).values_list("pk", flat=True)) == moved
    assert Note.objects.count() == 2 * ROUNDS


def test_undone_by_many_is_undone_once(pair):
    give(pair[1], 70)
    done = merge(*pair)
    at_once(
        [
            *[
                lambda: undo_merge(
                    merge_id=done.pk, reason="two", actor="tests", now=NOON
                )
            ]
            * 6
        ]
    )
    assert [account_of(member).balance for member in pair] == [0, 70]
    assert verify_ledger().findings == ()
