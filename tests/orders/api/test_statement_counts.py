"""How many statements each read takes: as many for much as for little (P5-f)."""

import json
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders.api import server_urls, urls
from orders.models import (
    Attribute,
    Order,
    OrderLine,
    Product,
    ProductAttribute,
    Variant,
)
from orders.services.gift_cards import issue_gift_cards
from orders.services.indexing import index_due
from orders.services.picturing import add_picture
from orders.services.refunding import refund_order
from orders.services.return_requests import Wish, request_return
from orders.services.reviewing import add_review_picture, write_review
from orders.services.shipping import ship
from orders.services.wallets import top_up_wallet
from tests.cast import NOON, make_variant
from tests.members.api.test_server import caller
from tests.members.pictures import picture
from tests.orders.api.conftest import ROOT
from tests.orders.services.test_reviewing import publish
from tests.orders.shop import Off, Offers, fill_cart, pay, place

BUDGETS = Path(__file__).resolve().parents[2] / "budgets.json"
#: Bytes of a file: one statement, whatever it shows.
FILES = {"product-image", "review-picture"}
READS = {
    pattern.name: str(pattern.pattern)
    for pattern in (*urls.urlpatterns, *server_urls.urlpatterns)
    if hasattr(pattern.callback.view_class, "get") and pattern.name not in FILES
}


def add_products(name: str, size: int) -> list[Variant]:
    """Write products, the first with so many SKUs, attributes and pictures."""
    skus = [make_variant(f"{name}{n}", 10_000, on_hand=100) for n in range(size)]
    product = skus[0].product
    for n in range(size):
        Variant.objects.create(product=product, sku=f"{name}-{n}", price_minor=n)
        kind = Attribute.objects.create(code=f"{name}-{n}", name=name)
        ProductAttribute.objects.create(product=product, attribute=kind, value="x")
        add_picture(product_id=product.pk, data=picture(), now=NOON)
    index_due()
    return skus


def add_order(member, skus: list[Variant], name: str) -> Order:
    """Write an order of all SKUs: paid, sent in parcels, refunded, coming back."""
    order = place(fill_cart({sku.sku: 3 for sku in skus}, member=member))
    pay(order)
    for line in order.lines.all():
        ship(order_id=order.pk, items={line.position: 3}, actor="key:1", now=NOON)
    positions = {line.position: 1 for line in order.lines.all()}
    given = {"reason": "", "actor": "test", "request_key": name, "now": NOON}
    refund_order(order_id=order.pk, items=positions, **given)
    Order.objects.filter(pk=order.pk).update(state="delivered", delivered_at=NOON)
    wish = Wish(kind="return", items=positions, reason_code="damaged")
    request_return(order_id=order.pk, wish=wish, actor="member", now=NOON)
    order.refresh_from_db()
    return order


def add_world(member, name: str, size: int) -> dict[str, str]:
    """Write so many of everything; return ids by the names that addresses use."""
    skus = add_products(name, size)
    orders = [add_order(member, skus, f"{name}{n}") for n in range(size)]
    for line in OrderLine.objects.filter(order=orders[0]):
        written = write_review(
            member_id=member.pk, line=line, rating=5, text="", now=NOON
        )
        for _picture in range(size):
            add_review_picture(review_id=written.pk, data=picture(), now=NOON)
        publish(written)
    for n in range(size):
        top_up_wallet(
            member_id=member.pk,
            amount_minor=100,
            reason="goodwill",
            actor="dana",
            source=f"{name}:{n}",
            now=NOON,
        )
    make_variant(f"CARD{name}", 1_000, kind="gift_card")
    bought = place(fill_cart({f"CARD{name}": size}, member=member))
    pay(bought)
    issue_gift_cards(order_id=bought.pk, now=NOON)
    Order.objects.filter(pk=orders[0].pk).update(external_ref=name)
    return {
        "product": skus[0].product.public_id,
        "cart": fill_cart({sku.sku: 1 for sku in skus}, member=member).public_id,
        "order": orders[0].public_id,
        "cards_order": bought.public_id,
        "return_id": orders[0].returns.get().public_id,
        "refund_id": orders[0].refunds.get().public_id,
        "review": orders[0].lines.first().review.public_id,
        "external_ref": name,
        "source": "storefront",
    }


def counted(clients: dict, ids: dict[str, str]) -> dict[str, int]:
    """Return how many statements each read takes."""
    found = {}
    for name, path in READS.items():
        is_servers = name.startswith("server-")
        where = f"/api/server/v1/orders/storefront/{ids['external_ref']}"
        if not is_servers:
            if name == "my-order-gift-cards":
                path = path.replace("order>", "cards_order>")
            for word, value in ids.items():
                path = path.replace(f"<str:{word}>", value)
            assert "<" not in path, path
            where = f"{ROOT}/{path}"
        client = clients["server" if is_servers else "member"]
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(where)
        assert answer.status_code == 200, (name, answer.content)
        found[f"api:{name}"] = len(captured)
    return found


def test_reads_take_as_many_statements_for_much_as_for_little(as_alice, alice):
    Offers.offers.append(Off("ten", 1_000))
    clients = {"member": as_alice, "server": caller("orders:read")}
    few = add_world(alice, "A", 1)
    counted(clients, few)  # What a process reads once is read.
    little = counted(clients, few)
    much = counted(clients, add_world(alice, "B", 3))
    assert much == little
    budgets = json.loads(BUDGETS.read_text())
    assert little == {name: budgets.get(name) for name in little}
    assert {name for name in budgets if name.startswith("api:")} == set(little)


@pytest.mark.parametrize("limit", [1, 20])
def test_visitors_read_the_catalogue_in_one_statement(
    visitor, limit, django_assert_num_queries
):
    add_products("A", 2)
    product = Product.objects.first()
    for path in ("products", f"products/{product.public_id}"):
        with django_assert_num_queries(1):
            visitor.get(
                f"{ROOT}/{path}", {"limit": limit} if path == "products" else {}
            )
