"""Staff ship orders: who may, what is left behind, the paper in the parcel."""

from types import SimpleNamespace

import pytest
from django.urls import reverse

from crm.console.rules.roles import ROLES
from crm.shared.models import AuditEntry
from orders.models import Order, OrderLine, Shipment

SHIPPERS = {"support", "owner"}


@pytest.fixture
def sale(shop):
    """Return an order of two units that waits to be sent, and its addresses."""
    order = shop["order"]
    Shipment.objects.all().delete()
    Order.objects.filter(pk=order.pk).update(state="paid")
    OrderLine.objects.filter(order=order).update(refunded_quantity=0)
    order.refresh_from_db()
    return SimpleNamespace(
        order=order,
        line=order.lines.get(),
        ship=reverse("admin:order_ship", args=[order.pk]),
        page=reverse("admin:orders_order_change", args=[order.pk]),
    )


def form(units="1", **more) -> dict:
    given = {"carrier": "SF", "tracking": "SF1", "request_key": "k"}
    return {"units-1": units, **given, **more}


def shipped(sale) -> int:
    sale.line.refresh_from_db()
    return sale.line.shipped_quantity


def test_a_parcel_is_sent_and_stands_on_the_page_of_the_order(sale, signed_in):
    client = signed_in("support")
    page = client.get(sale.page).content.decode()
    assert sale.ship in page
    assert f'max="{sale.line.quantity}"' in client.get(sale.ship).content.decode()
    answer = client.post(sale.ship, form(str(sale.line.quantity)))
    assert (answer.status_code, answer.url) == (302, sale.page)
    parcel = Shipment.objects.get()
    assert (parcel.carrier, parcel.tracking, parcel.actor) == ("SF", "SF1", "support")
    sale.order.refresh_from_db()
    assert sale.order.state == "shipped"
    entry = AuditEntry.objects.get(action="orders.ship")
    assert (entry.actor, entry.object_id) == ("support", sale.order.public_id)
    page = client.get(sale.page).content.decode()
    assert "SF SF1" in page
    assert sale.ship not in page
    assert "Nothing of this order waits" in client.get(sale.ship).content.decode()


def test_a_double_click_sends_one_parcel(sale, signed_in):
    client = signed_in("support")
    for _click in range(2):
        assert client.post(sale.ship, form()).status_code == 302
    assert (Shipment.objects.count(), shipped(sale)) == (1, 1)


@pytest.mark.parametrize("units", ["0", "-1", "99", "", "x", "1.5", "١"])
def test_a_form_that_cannot_be_sends_nothing(sale, signed_in, units):
    answer = signed_in("support").post(sale.ship, form(units, tracking="T<1>"))
    assert answer.status_code == 200
    assert 'role="alert"' in answer.content.decode()
    assert "T&lt;1&gt;" in answer.content.decode()
    assert (Shipment.objects.count(), shipped(sale)) == (0, 0)


@pytest.mark.parametrize("role", [*ROLES, "nobody"])
def test_only_who_may_ship_ships(sale, signed_in, role):
    client = signed_in(role)
    expected = 200 if role in SHIPPERS else 403
    assert client.get(sale.ship).status_code == expected
    answer = client.post(sale.ship, form())
    assert answer.status_code == (302 if role in SHIPPERS else 403)
    assert shipped(sale) == (role in SHIPPERS)


def test_orders_and_parcels_that_are_not_there(shop, signed_in):
    client = signed_in("support")
    assert client.get(reverse("admin:order_ship", args=[10**9])).status_code == 404
    for name in ("shipment_lose", "shipment_packing_list"):
        assert client.get(reverse(f"admin:{name}", args=[10**9])).status_code == 404


# --- What became of it --------------------------------------------------------


@pytest.fixture
def parcel(sale, signed_in):
    signed_in("owner").post(sale.ship, form(str(sale.line.quantity)))
    return Shipment.objects.get()


def test_a_parcel_arrives_by_the_list(parcel, sale, signed_in):
    url = reverse("admin:orders_shipment_changelist")
    data = {"action": "mark_delivered", "_selected_action": [parcel.pk]}
    for _again in range(2):
        assert signed_in("support").post(url, data).status_code == 302
    parcel.refresh_from_db()
    sale.order.refresh_from_db()
    assert (parcel.state, sale.order.state) == ("delivered", "delivered")
    signed_in("finance").post(url, data)
    assert sale.order.events.filter(to_state="delivered").count() == 1


def test_who_may_not_say_so_cannot(parcel, signed_in):
    url = reverse("admin:orders_shipment_changelist")
    data = {"action": "mark_delivered", "_selected_action": [parcel.pk]}
    signed_in("finance").post(url, data)
    lose = reverse("admin:shipment_lose", args=[parcel.pk])
    assert signed_in("finance").get(lose).status_code == 403
    answer = signed_in("auditor").post(lose, {"reason": "burnt"})
    assert answer.status_code == 403
    parcel.refresh_from_db()
    assert parcel.state == "sent"


def test_a_lost_parcel_needs_a_reason(parcel, sale, signed_in):
    client = signed_in("support")
    url = reverse("admin:shipment_lose", args=[parcel.pk])
    assert url in client.get(sale.page).content.decode()
    for reason in ("", "  x "):
        answer = client.post(url, {"reason": reason})
        assert 'role="alert"' in answer.content.decode()
    parcel.refresh_from_db()
    assert parcel.state == "sent"
    assert client.post(url, {"reason": "burnt"}).status_code == 302
    parcel.refresh_from_db()
    assert (parcel.state, shipped(sale)) == ("lost", 0)
    entry = AuditEntry.objects.get(action="orders.lose_shipment")
    assert (entry.actor, entry.reason) == ("support", "burnt")
    assert url not in client.get(sale.page).content.decode()
    assert "<textarea" not in client.get(url).content.decode()


# --- Paper --------------------------------------------------------------------


def test_the_packing_list_is_in_either_language(parcel, sale, signed_in):
    client = signed_in("support")
    url = reverse("admin:shipment_packing_list", args=[parcel.pk])
    english = client.get(f"{url}?language=en")
    text = english.content.decode()
    assert '<html lang="en">' in text
    for part in (sale.order.number, "SF1", "MP-1", "奶粉一段", parcel.public_id):
        assert part in text
    assert 'href="?language=zh-hans" hreflang="zh-hans" lang="zh-hans">简体中文' in text
    chinese = client.get(f"{url}?language=zh-hans").content.decode()
    assert '<html lang="zh-hans">' in chinese
    assert client.get(f"{url}?language=xx").status_code == 200
    # Nothing of the person is on it: the carrier's label says where it goes.
    assert sale.order.member.name not in text


@pytest.mark.parametrize("role", ["nobody", *ROLES])
def test_who_sees_orders_sees_what_was_sent(parcel, sale, signed_in, role):
    client = signed_in(role)
    url = reverse("admin:shipment_packing_list", args=[parcel.pk])
    assert client.get(url).status_code == (403 if role == "nobody" else 200)
