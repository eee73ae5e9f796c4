import pytest

from members.models import Member
from members.services.waking import mark_dormant
from orders.services.telling import tell_of_past_orders, tell_of_purchase
from tests.cast import NOON
from tests.loyalty.books import paid_order
from tests.members.people import later


def seen(member):
    return Member.objects.get(pk=member.pk).last_active_at


def test_a_purchase_wakes_its_buyer(alice, bob):
    mark_dormant(now=later(days=366), after_days=365)
    at = later(days=367)
    order = paid_order(alice, 10_000, at=at)
    assert tell_of_purchase(order_id=order.pk, now=at) is True
    assert tell_of_purchase(order_id=order.pk, now=at) is False
    states = Member.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == ["active", "dormant"]
    assert (seen(alice), seen(bob)) == (at, None)


def test_an_order_of_nobody_tells_nothing(db):
    order = paid_order(None, 10_000)
    assert tell_of_purchase(order_id=order.pk, now=NOON) is False


def test_past_orders_tell_the_newest_day_of_each(
    alice, bob, django_assert_max_num_queries
):
    for days in (5, 9, 7):
        paid_order(alice, 100, at=later(days=days), source="file")
    paid_order(bob, 100, at=later(days=99), source="other")
    with django_assert_max_num_queries(6):
        tell_of_past_orders(source="file")
    assert (seen(alice), seen(bob)) == (later(days=9), None)


@pytest.mark.parametrize("again", [1, 2])
def test_telling_again_changes_nothing(alice, again):
    paid_order(alice, 100, source="file")
    for _time in range(again):
        tell_of_past_orders(source="file")
    assert seen(alice) == NOON
