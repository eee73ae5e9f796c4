"""The list of orders: views, search, saved views."""

from datetime import timedelta

import pytest
from django.urls import reverse

from crm.console.models import SavedView
from crm.console.queries.palette import find_anything
from crm.console.rules.roles import ROLES
from crm.shared.clock import now
from orders.models import Order, ReturnRequest

LIST = "/admin/orders/order/"
SEES_PHONES = {"support", "marketer", "loyalty manager", "owner"}


def found(client, **query) -> set[str]:
    answer = client.get(LIST, query)
    assert answer.status_code == 200, query
    return {order.number for order in answer.context["cl"].result_list}


@pytest.fixture
def numbers(shop):
    """Return one order per group of states; the others are completed."""
    long_ago = now() - timedelta(days=9)
    ReturnRequest.objects.update(state="cancelled")
    groups = ["pending", "paid", "partly_shipped", "shipped", "cancelled"]
    named = {}
    for state, order in zip(groups, Order.objects.order_by("pk"), strict=False):
        Order.objects.filter(pk=order.pk).update(
            state=state, placed_at=long_ago, paid_at=long_ago
        )
        named[state] = order.number
    fresh = Order.objects.order_by("pk")[len(groups)]
    Order.objects.filter(pk=fresh.pk).update(state="paid", paid_at=now())
    named["fresh"] = fresh.number
    return named


def test_each_view_shows_its_orders(numbers, signed_in):
    client = signed_in("support")
    expected = {
        "to_pay": {"pending"},
        "to_ship": {"paid", "partly_shipped", "fresh"},
        "late": {"paid", "partly_shipped"},
        "on_the_way": {"partly_shipped", "shipped"},
        "closed": {"cancelled"},
    }
    for view, states in expected.items():
        assert found(client, view=view) == {numbers[s] for s in states}, view
    assert not found(client, view="done") & set(numbers.values())
    assert found(client, view="returns") == set()
    order = Order.objects.get(number=numbers["shipped"])
    ReturnRequest.objects.create(
        order=order, kind="return", reason_code="late", requested_at=now()
    )
    ReturnRequest.objects.create(
        order=Order.objects.get(number=numbers["fresh"]),
        kind="return",
        reason_code="late",
        state="refused",
        requested_at=now(),
    )
    assert found(client, view="returns") == {order.number}


def test_views_are_tabs_and_filters_can_be_saved(numbers, signed_in):
    client = signed_in("support")
    text = client.get(LIST).content.decode()
    assert "To ship" in text
    assert 'href="?view=late"' in text
    client.post(
        reverse("admin:orders_order_save_view"),
        {"name": "Tmall late", "query": "view=late&q=138001", "shared": "on"},
    )
    view = SavedView.objects.get()
    assert (view.model, view.query) == ("orders.order", "view=late")
    page = client.get(LIST, {"view": "late"}).content.decode()
    delete = reverse("admin:orders_order_delete_view", args=[view.pk])
    assert delete in page
    assert "Tmall late" in signed_in("finance").get(LIST).content.decode()
    assert signed_in("finance").post(delete).status_code == 404
    assert client.post(delete).status_code == 302
    assert not SavedView.objects.exists()


def test_orders_are_found_by_what_people_have_at_hand(shop, signed_in):
    client, order = signed_in("support"), shop["order"]
    his = set(
        Order.objects.filter(member=order.member).values_list("number", flat=True)
    )
    everybody = set(Order.objects.values_list("number", flat=True))
    assert found(client, q=order.number) == {order.number}
    assert found(client, q=order.number.lower()) == {order.number}
    assert found(client, q=order.number[:-1]) == {
        number for number in everybody if number.startswith(order.number[:-1])
    }
    assert found(client, q=order.public_id) == {order.number}
    assert found(client, q=order.member.number) == his
    assert found(client, q="138 0000 0003") == his
    assert found(client, q="mp-1") == everybody
    for text in ("NOPE", "%", "_", "'", "13999999999", "ord_x", "MP"):
        assert found(client, q=text) == set(), text


@pytest.mark.parametrize("role", list(ROLES))
def test_who_may_not_see_phones_finds_nobody_by_them(role, shop, signed_in):
    hit = bool(found(signed_in(role), q="13800000003"))
    assert hit == (role in SEES_PHONES)


def test_search_narrows_a_view(numbers, shop, signed_in):
    client = signed_in("support")
    assert found(client, q=numbers["paid"], view="late") == {numbers["paid"]}
    assert found(client, q=numbers["paid"], view="to_pay") == set()


@pytest.mark.parametrize(
    ("bounds", "hits"),
    [
        ({"total_minor_from": "388", "total_minor_to": "388.00"}, {38_800}),
        ({"total_minor_from": "1000000"}, set()),
        ({"total_minor_to": "abc"}, set()),
        ({"total_minor_from": "12.345"}, set()),
    ],
)
def test_amounts_are_typed_as_money(bounds, hits, shop, signed_in):
    numbers = found(signed_in("finance"), **bounds)
    totals = Order.objects.filter(number__in=numbers).values_list("total_minor")
    assert {total for (total,) in totals} == hits


def test_campaign_and_device_narrow(shop, signed_in):
    client, order = signed_in("marketer"), shop["order"]
    Order.objects.filter(pk=order.pk).update(campaign="double11", device="phone")
    assert found(client, campaign="Double11 ") == {order.number}
    assert found(client, campaign="double") == set()
    assert found(client, device__exact="phone") == {order.number}


def test_the_palette_knows_the_beginning_of_a_number(shop):
    user, number = shop["users"]["support"], shop["order"].number
    hits = find_anything(user=user, text=number[:4].lower())
    orders = [hit for hit in hits if hit.icon == "receipt_long" and hit.is_data]
    assert 1 <= len(orders) <= 3
    assert all(hit.title.startswith(number[:4]) for hit in orders)
    few = find_anything(user=user, text=number[:3])
    assert not [hit for hit in few if hit.icon == "receipt_long" and hit.is_data]
